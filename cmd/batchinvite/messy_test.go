package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

const messy = "../../samples/messy"

// What differs from run to run, or is told elsewhere.
var (
	fleeting = regexp.MustCompile(`(?m)^(ledger|to send|zone of dates|done|results).*\n|^\d+ calls?[ ,].*\n|^  (invited|duplicate|invalid|already_invited) .*\n|^ +\d+  .*\n`)
	links    = regexp.MustCompile(`https://[0-9a-f]+\.sandbox\.invalid`)
	ids      = regexp.MustCompile(`([,;|\t])\d{9,}([,;|\t])\d{9,}([,;|\t]INVITED[,;|\t])[0-9T:-]+Z`)
)

// TestMessy rehearses every file of samples/messy and compares what comes of it with expected.txt.
func TestMessy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = buildProgram(t)
	if err := os.CopyFS(w.dir, os.DirFS(messy)); err != nil {
		t.Fatal(err)
	}
	seen := w.rehearse("expected.txt")
	files, err := os.ReadDir(messy)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := f.Name(); !seen[name] && name != "README.md" && name != "expected.txt" && name != "programs.txt" {
			t.Errorf("nothing is expected of %s", name)
		}
	}
}

// rehearse runs the files that a text of samples/messy names, with the flags behind their names, and compares what comes of
// it with that text, which a person has read; with UPDATE_EXPECTED=1 it is written anew. Then the results are fed back:
// nobody is called for again, and every cell and status that counts is as it was.
func (w *world) rehearse(golden string) (seen map[string]bool) {
	w.t.Helper()
	golden = filepath.Join(messy, golden)
	expected, err := os.ReadFile(golden)
	if err != nil {
		w.t.Fatal(err)
	}
	var got strings.Builder
	seen = map[string]bool{}
	for i, part := range strings.Split("\n"+string(expected), "\n== ")[1:] {
		title, _, _ := strings.Cut(part, "\n")
		name, flags, _ := strings.Cut(title, " ")
		seen[name] = true
		ledger := "l" + strconv.Itoa(i) + ".db"
		flagged := append([]string{"--sandbox", "--yes", "--ledger", ledger, "--log-level", "error", "--progress", "none"}, strings.Fields(flags)...)
		code, out, said := w.run(append([]string{"run", name, "-o", "-"}, flagged...)...)
		got.WriteString("== " + title + "\nexit code " + strconv.Itoa(code) + "\n" + fleeting.ReplaceAllString(said, "") +
			ids.ReplaceAllString(links.ReplaceAllString(strings.ReplaceAll(out, "\r\n", "\n"), "LINK"), "${1}ID${2}ID${3}AT"))
		if code <= 1 {
			w.write("back.csv", out)
			_, again, _ := w.run(append([]string{"run", "back.csv", "-o", "-"}, flagged...)...)
			if diff := cmp.Diff(settled(out), settled(again)); diff != "" {
				w.t.Errorf("results of %s that are fed back (-before +after):\n%s", name, diff)
			}
		}
	}
	if os.Getenv("UPDATE_EXPECTED") != "" {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(expected), got.String()); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
	return seen
}

// settled is a results file as it comes out once everybody in it is known. Lines and columns are counted anew where there were
// blank lines, and cells beside the table.
func settled(text string) string {
	text = regexp.MustCompile(`line \d+|the \d+ of`).ReplaceAllString(text, "N")
	text = regexp.MustCompile(`, cell [A-Z]+\d+`).ReplaceAllString(text, "")
	return regexp.MustCompile(`([,;|\t"])invited([,;|\t"])`).ReplaceAllString(text, "${1}already_invited$2")
}
