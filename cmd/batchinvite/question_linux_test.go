package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"batchinvite/pkg/sandbox"
)

// openPTY gives a new pseudo-terminal: what a person sees and types at, and what the program has.
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// Ctrl-C at a question is an answer: nothing is sent, the program ends at once, and the terminal shows again what is
// typed.
func TestQuestion_endsWithCtrlC(t *testing.T) {
	for name, tt := range map[string]struct{ key, question string }{
		"consent": {"BATCHINVITE_API_KEY=k-1", "The vendor will e-mail 3 people. Go on? [y/N] "},
		"key":     {"BATCHINVITE_API_KEY=", "API key: "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Config{APIKey: "k-1"})
			w.write("c.csv", people(3, "sendlink"))
			w.mustRun(0, "init")
			person, program := openPTY(t)
			before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			cmd := w.startAt(program, tt.key)
			seen := readUntil(t, person, tt.question)
			if _, err := person.WriteString("\x03"); err != nil {
				t.Fatal(err)
			}
			seen += readUntil(t, person, "nothing was sent")
			_ = cmd.Wait() // the exit code is compared below
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, want 130\n%s", code, seen)
			}
			after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			if after.Lflag != before.Lflag {
				t.Errorf("the terminal's settings are %x, want %x as before", after.Lflag, before.Lflag)
			}
			if got := w.vendor.Calls(); got != 0 {
				t.Errorf("%d calls", got)
			}
		})
	}
}

// The ledger is free while a question stands. Whoever took it meanwhile keeps it, and keeps its results.
func TestQuestion_leavesAnotherRunsResultsAlone(t *testing.T) {
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	w.write("c.csv", people(3, "sendlink"))
	w.mustRun(0, "init")
	person, program := openPTY(t)
	asking := w.startAt(program, "BATCHINVITE_API_KEY=k-1")
	seen := readUntil(t, person, "Go on? [y/N] ")
	other := w.start("run", "c.csv", "--yes")
	g.wait(t)
	if _, err := person.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	seen += readUntil(t, person, "held by")
	_ = asking.Wait() // the exit code is compared below
	if code := asking.ProcessState.ExitCode(); code != 6 {
		t.Errorf("exit code %d of the run that asked, want 6\n%s", code, seen)
	}
	close(g.open)
	other.wantExit(t, 0)
	if got := strings.Join(column(w.read("c.results.csv"), "invite_status"), " "); got != "invited invited invited" {
		t.Errorf("the other run's results: %q", got)
	}
}

// startAt starts a run of c.csv for a person at a terminal.
func (w *world) startAt(program *os.File, env string) *exec.Cmd {
	w.t.Helper()
	cmd := w.command("run", "c.csv")
	cmd.Env = append(cmd.Env, env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	w.t.Cleanup(func() { timer.Stop() })
	return cmd
}

func readUntil(t *testing.T, person *os.File, text string) string {
	t.Helper()
	var seen strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(seen.String(), text) {
		n, err := person.Read(buffer)
		if err != nil {
			t.Fatalf("the terminal never showed %q, but:\n%s", text, &seen)
		}
		seen.Write(buffer[:n])
	}
	return seen.String()
}
