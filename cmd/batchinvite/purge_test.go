package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

// traces gives those of the texts that stand in any file of a folder.
func traces(t *testing.T, folder string, texts []string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range texts {
			if strings.Contains(strings.ToLower(string(content)), strings.ToLower(text)) {
				found = append(found, filepath.Base(path)+": "+text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPurge_leavesNothingOfThePersonAndKeepsThePromise(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.write("c.csv", "name,email,assessment_id,format\nZachariah Quill,Zach.Quill@example.org,4711,getlink\nBob,bob@example.org,4711,getlink\n")
	w.mustRun(0, "run", "c.csv")
	table := w.read("c.results.csv")
	link := column(table, "invite_link")[0]
	texts := []string{"zach.quill", "Zachariah", link}
	state := filepath.Join(w.dir, "state")
	if found := traces(t, state, texts); len(found) < len(texts) {
		t.Fatalf("before the purge only %v are found: the test tells nothing", found)
	}
	w.mustRun(0, "purge", "--email", "Zach.Quill@example.org", "--why", "asked", "--yes")
	if found := traces(t, state, texts); len(found) > 0 {
		t.Errorf("after the purge the ledger's folder has %v", found)
	}
	w.mustRun(0, "run", "c.csv")
	again := w.read("c.results.csv")
	if got, want := w.vendor.Calls(), 2; got != want {
		t.Errorf("%d calls, want %d: the second run makes none", got, want)
	}
	for name, want := range map[string][]string{
		"invite_status": {"already_invited", "already_invited"},
		"invite_link":   {"", column(table, "invite_link")[1]},
		"invite_error":  {"the link was purged", ""},
	} {
		if got := column(again, name); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if found := traces(t, state, texts); len(found) > 0 {
		t.Errorf("the second run brought back %v", found)
	}
	w.mustRun(0, "purge", "--email", "zach.quill@example.org", "--forget", "--why", "asked", "--yes")
	w.mustRun(0, "run", "c.csv")
	if got := w.vendor.Calls(); got != 3 {
		t.Errorf("%d calls, want 3: who is forgotten is invited again", got)
	}
}
