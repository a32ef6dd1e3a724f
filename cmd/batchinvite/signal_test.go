package main

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"batchinvite/pkg/sandbox"
)

// gate lets the vendor's answers through one by one.
type gate struct {
	arrived chan string // the address of each call, as it arrives
	open    chan struct{}
}

func newGate() *gate { return &gate{arrived: make(chan string, 1000), open: make(chan struct{})} }

func (g *gate) script(k sandbox.Key, _ int) sandbox.Fault {
	g.arrived <- k.Email
	<-g.open
	return sandbox.Fault{}
}

// wait is the arrival of the next call, in good time.
func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(time.Minute):
		t.Fatal("no call arrived in a minute")
	}
}

// running is the program at work.
type running struct {
	*exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	talk bytes.Buffer
	said chan struct{} // something new is in talk
}

// Write collects stderr.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case r.said <- struct{}{}:
	default:
	}
	return r.talk.Write(p)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.talk.String()
}

// waitSaid waits until the program has said something.
func (r *running) waitSaid(t *testing.T, text string) {
	t.Helper()
	late := time.After(time.Minute)
	for !strings.Contains(r.text(), text) {
		select {
		case <-r.said:
		case <-late:
			t.Fatalf("the program never said %q:\n%s", text, r.text())
		}
	}
}

func (w *world) start(args ...string) *running { return w.begin(w.command(args...)) }

func (w *world) begin(cmd *exec.Cmd) *running {
	w.t.Helper()
	r := &running{Cmd: cmd, done: make(chan struct{}), said: make(chan struct{}, 1)}
	r.Stderr = r
	if err := r.Start(); err != nil {
		w.t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(r.done)
		_ = r.Wait() // the exit code is compared by whoever waits for done
	})
	w.t.Cleanup(func() {
		_ = r.Process.Kill()
		wait.Wait()
	})
	return r
}

func (r *running) wantExit(t *testing.T, code int) {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(time.Minute):
		t.Fatal("the program does not end")
	}
	if got := r.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d\n%s", got, code, r.text())
	}
}

func TestSignal_firstLetsCallsInFlightFinish(t *testing.T) {
	t.Parallel()
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(sig.String(), func(t *testing.T) {
			g := newGate()
			w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
			w.write("c.csv", people(50, "sendlink"))
			w.mustRun(0, "init")
			r := w.start("run", "c.csv", "--yes", "--workers", "1")
			g.wait(t)
			if err := r.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			r.waitSaid(t, "those in flight finish")
			close(g.open)
			r.wantExit(t, code)
			status := strings.Join(column(w.read("c.results.csv"), "invite_status"), " ")
			if want := "invited" + strings.Repeat(" not_sent", 49); status != want {
				t.Errorf("statuses %q, want the call in flight invited and the rest not_sent", status)
			}
			if !strings.Contains(r.text(), "hint: to go on: batchinvite run c.csv --yes --workers 1\n") {
				t.Errorf("no command to go on:\n%s", r.text())
			}
			w.mustRun(0, "run", "c.csv", "--yes")
			if got := w.vendor.Calls(); got != 50 {
				t.Errorf("%d calls for 50 people", got)
			}
		})
	}
}

func TestSignal_secondGivesCallsUp(t *testing.T) {
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	defer close(g.open)
	w.write("c.csv", people(5, "sendlink"))
	w.mustRun(0, "init")
	r := w.start("run", "c.csv", "--yes")
	g.wait(t)
	for _, answer := range []string{"once more gives them up", "calls in flight are given up"} {
		if err := r.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		r.waitSaid(t, answer) // two equal signals in a row may arrive as one
	}
	r.wantExit(t, 130)
	status := column(w.read("c.results.csv"), "invite_status")
	if got, want := strings.Join(status, " "), "unknown not_sent not_sent not_sent not_sent"; got != want {
		t.Errorf("statuses %q, want %q", got, want)
	}
}

func TestRun_ledgerIsHeldByOneRun(t *testing.T) {
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	w.write("c.csv", people(3, "getlink"))
	w.write("d.csv", people(3, "getlink"))
	first := w.start("run", "c.csv")
	g.wait(t)
	_, said := w.mustRun(6, "run", "d.csv")
	if !strings.Contains(said, `: held by "run c.csv", process `) || !strings.Contains(said, "hint: wait for it with --wait 10m") {
		t.Errorf("the second run says %q, want the holder's name and a hint", said)
	}
	if out, _ := w.mustRun(0, "status"); !strings.Contains(out, "  in flight         1\n") {
		t.Errorf("status during the run:\n%s\nwant one call in flight", out)
	}
	waiting := w.start("run", "d.csv", "--wait", "1m")
	close(g.open)
	first.wantExit(t, 0)
	waiting.wantExit(t, 0)
	if got := w.vendor.Calls(); got != 3 {
		t.Errorf("%d calls of two runs for the same 3 people", got)
	}
}
