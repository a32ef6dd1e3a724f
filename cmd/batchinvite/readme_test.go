package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/sandbox"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")
	exitComment  = regexp.MustCompile(`# exit (\d+)$`)
)

// TestReadme_commandsWork types what the README says, from top to bottom, at a vendor that is a stand-in.
func TestReadme_commandsWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	sample, err := os.ReadFile("../../samples/candidates.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "samples"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("samples/candidates.csv", string(sample))
	w.write("api_key", "k-1\n")
	w.write("people.csv", "name,email\nAnn,ann@example.org\nBob,bob@example.org\n")
	w.write("week.csv", "name,email,assessment_id,format\nEve,eve@example.org,4711,getlink\nFay,fay@@example.org,4711,getlink\n")
	script, commands := "", 0
	for _, block := range consoleBlock.FindAllStringSubmatch(readme(t), -1) {
		for line := range strings.Lines(block[1]) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if !ok {
				t.Fatalf("line %q of a console block is no command", line)
			}
			want := "0"
			if m := exitComment.FindStringSubmatch(command); m != nil {
				want = m[1]
			}
			script += fmt.Sprintf("%s\n[ $? = %s ] || exit 99\n", command, want)
			commands++
		}
	}
	if commands < 6 {
		t.Fatalf("%d commands in the README, want those of every step", commands)
	}
	sh := exec.Command("sh", "-x", "-c", script)
	like := w.command()
	sh.Dir = like.Dir
	sh.Env = slices.Concat(like.Env, []string{keyVariable + "="})
	if out, err := sh.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestReadme_namesEverything compares the tables with the program: every flag, column and exit code, and no others.
func TestReadme_namesEverything(t *testing.T) {
	text := readme(t)
	_, table, _ := strings.Cut(text, "### Flags of run and check")
	table, _, _ = strings.Cut(table, "\n\nThe ledger")
	said := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\|.*?`--([a-z-]+)`( ¹)? \\|").FindAllStringSubmatch(table, -1) {
		said[m[1]] = true
		f := knownFlags().Lookup(m[1])
		if f == nil {
			t.Errorf("the README names --%s, which does not exist", m[1])
		} else if isOneOff(f) != (m[2] != "") {
			t.Errorf("the README is wrong about whether --%s may stand in a file", m[1])
		}
	}
	knownFlags().VisitAll(func(f *pflag.Flag) {
		if !said[f.Name] {
			t.Errorf("the README lacks --%s", f.Name)
		}
	})
	for _, column := range invite.ResultColumns {
		if !strings.Contains(text, "| `"+column+"` |") {
			t.Errorf("the README lacks the column %s", column)
		}
	}
	for _, e := range exitTexts {
		if row := fmt.Sprintf("| %d | %s |", e.code, e.text); !strings.Contains(text, row) {
			t.Errorf("the README lacks the exit code %q", row)
		}
	}
}

// TestSamples_config: every line of it, also what is commented out, is a setting that the program takes.
func TestSamples_config(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	text, err := os.ReadFile("../../samples/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`(?m)^# ((?:[a-z-]+:|  - ).*)$`)
	w.write("all.yaml", setting.ReplaceAllString(string(text), "$1"))
	w.write("c.csv", "Candidate,Contact\nAnn,ann@example.org\n")
	_, said := w.mustRun(0, "check", "c.csv", "--config", "all.yaml", "--ledger", filepath.Join(w.dir, "l.db"))
	if !strings.Contains(said, "to send: 1\n") {
		t.Errorf("the plan with every setting:\n%s", said)
	}
}

// TestReadme_evidenceExists: every test that the README names is one.
func TestReadme_evidenceExists(t *testing.T) {
	var source strings.Builder
	files, err := filepath.Glob("../../*/*/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests found", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	named := regexp.MustCompile("`'?(Test\\w+)'? \\./").FindAllStringSubmatch(readme(t), -1)
	if len(named) < 8 {
		t.Errorf("%d tests named, want those of every guarantee", len(named))
	}
	for _, m := range named {
		if !strings.Contains(source.String(), "func "+m[1]) {
			t.Errorf("the README names %s, which does not exist", m[1])
		}
	}
}
