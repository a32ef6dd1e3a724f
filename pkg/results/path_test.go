package results

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDefaultPath_standsBesideTheInput(t *testing.T) {
	for _, tc := range []struct{ input, results, rehearsal string }{
		{"candidates.csv", "candidates.results.csv", "candidates.rehearsal.csv"},
		{"a.b/x.csv.gz", "a.b/x.results.csv", "a.b/x.rehearsal.csv"},
		{"x.gz", "x.results.csv", "x.rehearsal.csv"},
		{"x", "x.results.csv", "x.rehearsal.csv"},
		{"a.b/x", "a.b/x.results.csv", "a.b/x.rehearsal.csv"},
		{"X.CSV", "X.results.csv", "X.rehearsal.csv"},
		{"x.tsv", "x.results.tsv", "x.rehearsal.tsv"},
		{"x.TAB.gz", "x.results.tsv", "x.rehearsal.tsv"},
		{"x.results.tsv", "x.results.tsv", "x.rehearsal.tsv"},
		{"x.txt", "x.results.csv", "x.rehearsal.csv"},
		{"x.xlsx", "x.results.xlsx", "x.rehearsal.xlsx"},
		{"x.XLSM.gz", "x.results.xlsx", "x.rehearsal.xlsx"},
		{"x.results.xlsx", "x.results.xlsx", "x.rehearsal.xlsx"},
		{"team v1.2", "team v1.2.results.csv", "team v1.2.rehearsal.csv"},
		// Fed back: the results are the input, which the caller refuses, and the rehearsal is not.
		{"candidates.results.csv", "candidates.results.csv", "candidates.rehearsal.csv"},
		{"candidates.rehearsal.csv", "candidates.results.csv", "candidates.rehearsal.csv"},
	} {
		if got := DefaultPath(tc.input, false); got != tc.results {
			t.Errorf("DefaultPath(%q, false) = %q, want %q", tc.input, got, tc.results)
		}
		if got := DefaultPath(tc.input, true); got != tc.rehearsal {
			t.Errorf("DefaultPath(%q, true) = %q, want %q", tc.input, got, tc.rehearsal)
		}
	}
}

func TestSameFile_seesThroughSpellings(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "a.csv", "")
	write(t, "b.csv", "")
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link.csv": "a.csv", "folder": "sub"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link("a.csv", "hard.csv"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"a.csv", "a.csv", true},
		{"a.csv", filepath.Join(dir, "a.csv"), true},
		{"a.csv", "./sub/../a.csv", true},
		{"a.csv", "link.csv", true},
		{"a.csv", "hard.csv", true},
		{"a.csv", "b.csv", false},
		{"a.csv", "new.csv", false},
		{"new.csv", filepath.Join(dir, "new.csv"), true},
		{"sub/new.csv", "folder/new.csv", true},
		{"sub/new.csv", "new.csv", false},
		{"new.csv", "other.csv", false},
		{"none/new.csv", "./none/new.csv", true},
	} {
		for _, pair := range [][2]string{{tc.a, tc.b}, {tc.b, tc.a}} {
			if got := SameFile(pair[0], pair[1]); got != tc.want {
				t.Errorf("SameFile(%q, %q) = %v, want %v", pair[0], pair[1], got, tc.want)
			}
		}
	}
}
