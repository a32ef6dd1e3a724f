package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

const (
	headerLine = "Name," + columnNames
	annLine    = "Ann,not_sent,,,,,,,,,,\n"
)

// begun is a results file with one row in it.
func begun(t *testing.T, path string) *File {
	t.Helper()
	f, err := Create(path, []string{"Name"}, Format{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Write(local(invite.StatusNotSent, "", "Ann")); err != nil {
		t.Fatal(err)
	}
	return f
}

// folder gives the files in dir with their texts; a folder has the text "/".
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			files[e.Name()] = "/"
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

func wantFolder(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, folder(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestCommit_fileAppearsWholeUnderItsName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.results.csv")
	f := begun(t, path)
	wantFolder(t, dir, map[string]string{"c.results.csv.partial": headerLine})
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, map[string]string{"c.results.csv.partial": headerLine + annLine})

	got, err := f.Commit("")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Committed{Hash: hashOf(headerLine + annLine)}, got); diff != "" {
		t.Errorf("Commit (-want +got):\n%s", diff)
	}
	wantFolder(t, dir, map[string]string{"c.results.csv": headerLine + annLine})
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("Stat = %v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestOverwrite_keepsNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.rehearsal.csv")
	write(t, path, "somebody's")
	got, err := begun(t, path).Overwrite()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Committed{Hash: hashOf(headerLine + annLine)}, got); diff != "" {
		t.Errorf("Overwrite (-want +got):\n%s", diff)
	}
	wantFolder(t, dir, map[string]string{"c.rehearsal.csv": headerLine + annLine})
}

// Whatever step the power goes after: the old file has a name, the new rows are whole under one, and the final name
// never leads to something half-written or to nothing.
func TestCommit_nothingIsLostBetweenItsSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "c.csv")
		write(t, path, "old")
		f := begun(t, path)

		if err := f.finish(); err != nil {
			t.Fatal(err)
		}
		wantFolder(t, dir, map[string]string{"c.csv": "old", "c.csv.partial": headerLine + annLine})
		if _, err := keep(path, ""); err != nil {
			t.Fatal(err)
		}
		wantFolder(t, dir, map[string]string{
			"c.csv": "old", "c.20000101T000000Z.csv": "old", "c.csv.partial": headerLine + annLine,
		})
		if _, err := f.replace(); err != nil {
			t.Fatal(err)
		}
		wantFolder(t, dir, map[string]string{"c.csv": headerLine + annLine, "c.20000101T000000Z.csv": "old"})
	})
}

func TestCommit_failedRenameLeavesTheRowsUnderANewName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "c.csv")
		f := begun(t, path)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := f.Commit("")
		want := "rename " + path + ".partial " + path + ": file exists; the results are in " +
			filepath.Join(dir, "c.20000101T000000Z.csv")
		if err == nil || err.Error() != want {
			t.Errorf("Commit = %v, want %s", err, want)
		}
		wantFolder(t, dir, map[string]string{"c.csv": "/", "c.20000101T000000Z.csv": headerLine + annLine})
	})
}

func TestCommit_failedWriteLeavesTheTargetAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.csv")
	write(t, path, "old")
	f := begun(t, path)
	if err := f.partial.Close(); err != nil { // the disk's part in this test
		t.Fatal(err)
	}
	_, err := f.Commit("")
	if want := "write " + path + ".partial: file already closed"; err == nil || err.Error() != want {
		t.Errorf("Commit = %v, want %s", err, want)
	}
	wantFolder(t, dir, map[string]string{"c.csv": "old", "c.csv.partial": headerLine})
}

// An export may run beside a run, and both write the same file.
func TestCommit_neverInstallsAnotherRunsRows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.csv")
	first := begun(t, path)
	second := begun(t, path)
	_, err := first.Commit("")
	if want := path + ".partial was replaced by somebody else while it was written"; err == nil || err.Error() != want {
		t.Errorf("Commit of the first = %v, want %s", err, want)
	}
	if _, err := second.Commit(""); err != nil {
		t.Errorf("Commit of the second = %v, want nil", err)
	}
	wantFolder(t, dir, map[string]string{"c.csv": headerLine + annLine})
}

// Rows that go where nobody will find them must stop a run, not surprise it at its end.
func TestFlush_noticesThatThePlaceIsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		attack func(path string) error
		want   func(path string) string
	}{
		"folder": {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, func(path string) string {
			return fmt.Sprintf("the folder %q was removed while results were written to it", filepath.Dir(path))
		}},
		"file": {func(path string) error { return os.Remove(path + ".partial") }, func(path string) string {
			return path + ".partial was removed while it was written"
		}},
		"another file there": {func(path string) error { _, err := Create(path, nil, Format{}); return err }, func(path string) string {
			return path + ".partial was replaced by somebody else while it was written"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out", "c.csv")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			f := begun(t, path)
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
			if err := tt.attack(path); err != nil {
				t.Fatal(err)
			}
			if err := f.Flush(); err == nil || err.Error() != tt.want(path) {
				t.Errorf("Flush = %v, want %s", err, tt.want(path))
			}
		})
	}
}

func TestClose_leavesTheRowsInThePartialFile(t *testing.T) {
	dir := t.TempDir()
	f := begun(t, filepath.Join(dir, "c.csv"))
	for range 2 {
		if err := f.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	}
	wantFolder(t, dir, map[string]string{"c.csv.partial": headerLine + annLine})
}

func TestFile_everyEndClosesTheHandle(t *testing.T) {
	ends := map[string]func(f *File, path string){
		"Close":     func(f *File, _ string) { _ = f.Close() },
		"Commit":    func(f *File, _ string) { _, _ = f.Commit("") },
		"Overwrite": func(f *File, _ string) { _, _ = f.Overwrite() },
		"failed Commit": func(f *File, path string) {
			_ = os.Remove(Partial(path))
			_, _ = f.Commit("")
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.csv")
			f := begun(t, path)
			handle := f.partial
			end(f, path)
			if err := handle.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("closing the handle again = %v, want %v", err, os.ErrClosed)
			}
		})
	}
}

func TestCreate_replacesALeftoverWithoutFollowingALink(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.csv")
	write(t, filepath.Join(dir, "victim"), "precious")
	if err := os.Symlink("victim", Partial(path)); err != nil {
		t.Fatal(err)
	}
	f := begun(t, path)
	wantFolder(t, dir, map[string]string{"victim": "precious", "c.csv.partial": headerLine})
	if info, err := f.partial.Stat(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("Stat = %v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestCreate_refusesWhatItCannotReplace(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "c.csv")
	for path, want := range map[string]string{
		dir:        `write results to "` + dir + `": not a regular file`,
		os.DevNull: `write results to "` + os.DevNull + `": not a regular file`,
		missing:    "open " + missing + ".partial: no such file or directory",
	} {
		if _, err := Create(path, []string{"Name"}, Format{}); err == nil || err.Error() != want {
			t.Errorf("Create(%q) = %v, want %s", path, err, want)
		}
	}
	wantFolder(t, dir, map[string]string{})
}
