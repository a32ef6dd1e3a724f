package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// patch changes one place of the program's source for one build. So sabotage and failpoints live in tests alone, and a
// place that is no longer there as it was fails the test that needs it.
type patch struct {
	file     string // in the repository; a new one if old is ""
	old, new string
}

// overlay writes what go build wants to know of patches: its -overlay file. The source itself stays as it is.
func overlay(t testing.TB, patches ...patch) (path string) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, p := range patches {
		place := filepath.Join(root, p.file)
		text, seen := texts[place]
		if !seen && p.old != "" {
			source, err := os.ReadFile(place)
			if err != nil {
				t.Fatal(err)
			}
			text = string(source)
		}
		if n := strings.Count(text, p.old); p.old != "" && n != 1 {
			t.Fatalf("%s has %d places to patch, want 1:\n%s", p.file, n, p.old)
		}
		if texts[place] = strings.Replace(text, p.old, p.new, 1); p.old == "" {
			texts[place] = p.new
		}
	}
	replace := map[string]string{}
	for place, text := range texts {
		patched, err := os.CreateTemp(dir, "*"+filepath.Ext(place))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := patched.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := patched.Close(); err != nil {
			t.Fatal(err)
		}
		replace[place] = patched.Name()
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// buildPatched builds the program with patches.
func buildPatched(t testing.TB, patches ...patch) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-overlay", overlay(t, patches...), "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
