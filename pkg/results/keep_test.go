package results

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

func TestCommit_ownUnchangedFileIsReplacedAndAChangedOneKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.results.csv")
	first, err := begun(t, path).Commit("")
	if err != nil {
		t.Fatal(err)
	}
	second, err := begun(t, path).Commit(first.Hash)
	if err != nil || second.Kept != "" {
		t.Errorf("Commit over our own file = kept %q, %v, want nothing kept", second.Kept, err)
	}

	write(t, path, "annotated by hand")
	third, err := begun(t, path).Commit(second.Hash)
	if err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, map[string]string{
		"c.results.csv":           headerLine + annLine,
		filepath.Base(third.Kept): "annotated by hand",
	})
}

func TestCommit_keptNameHasTheTimeAndReplacesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where it is midnight on 1 January 2000
		dir := t.TempDir()
		write(t, filepath.Join(dir, "c.results.csv"), "somebody's")
		write(t, filepath.Join(dir, "c.results.20000101T000000Z.csv"), "older")
		got, err := begun(t, filepath.Join(dir, "c.results.csv")).Commit("")
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(dir, "c.results.20000101T000000Z-2.csv"); got.Kept != want {
			t.Errorf("kept %q, want %q", got.Kept, want)
		}
		wantFolder(t, dir, map[string]string{
			"c.results.csv":                    headerLine + annLine,
			"c.results.20000101T000000Z.csv":   "older",
			"c.results.20000101T000000Z-2.csv": "somebody's",
		})
	})
}

func TestMoveTo_replacesNothing(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	write(t, a, "ours")
	write(t, b, "theirs")
	if err := moveTo(a, b); !errors.Is(err, os.ErrExist) {
		t.Errorf("moveTo an existing file = %v, want %v", err, os.ErrExist)
	}
	if err := moveTo(filepath.Join(dir, "missing"), c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("moveTo of a missing file = %v, want %v", err, os.ErrNotExist)
	}
	wantFolder(t, dir, map[string]string{"a": "ours", "b": "theirs"})
	if err := moveTo(a, c); err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, map[string]string{"b": "theirs", "c": "ours"})
}

// A name so long that no time fits into it: neither the old file nor the new rows can get another one.
func TestCommit_fileThatCannotBeKeptIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("x", 240)+".csv")
	write(t, path, "somebody's")
	_, err := begun(t, path).Commit("")
	if want := "; the results are in " + path + ".partial"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Commit = %v, want an error that ends in %q", err, want)
	}
	wantFolder(t, dir, map[string]string{
		filepath.Base(path):              "somebody's",
		filepath.Base(path) + ".partial": headerLine + annLine,
	})
}
