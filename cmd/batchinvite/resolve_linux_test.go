package main

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"batchinvite/pkg/sandbox"
)

// Whoever says yes has looked up what was listed. A row that somebody settled meanwhile, and one that was settled and sent
// again since, are not what the answer was about.
func TestResolve_settlesOnlyWhatWasAgreedTo(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault { return sandbox.Fault{Kind: sandbox.ErrorAfter} }})
	w.write("c.csv", people(3, "sendlink"))
	w.mustRun(0, "init")
	w.mustRun(4, "run", "c.csv", "--yes")

	person, program := openPTY(t)
	cmd := w.command("resolve", "--all", "--not-sent", "--why", "none is in the list")
	var stdout bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, &stdout, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	seen := readUntil(t, person, "Settle 3 unknown rows as not sent? [y/N] ")

	w.mustRun(0, "resolve", "p0@example.org", "--sent", "--why", "is in the list")
	w.mustRun(0, "resolve", "p1@example.org", "--not-sent", "--why", "is not")
	w.mustRun(4, "run", "c.csv", "--yes")
	if _, err := person.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is compared below
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1\n%s", code, seen)
	}
	want := "settled: 0 invited, 1 not sent\n" +
		"p***@example.org in assessment 4711, sendlink, campaign default: has changed since you were asked\n" +
		"p***@example.org in assessment 4711, sendlink, campaign default: has changed since you were asked\n"
	if got := stdout.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	w.mustRun(2, "resolve", "p2@example.org", "--sent", "--why", "x") // settled by the yes
	w.mustRun(0, "resolve", "p1@example.org", "--sent", "--why", "x") // still open
	if got := w.vendor.Calls(); got != 4 {
		t.Errorf("%d calls, want 4", got)
	}
}
