package main

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"batchinvite/pkg/sandbox"
)

// Invariant 9: a program that is killed in the middle of a window, and started again at once, does not begin a new one.
func TestRestart_keepsTheWindow(t *testing.T) {
	const rows, quota, window = 60, 20, 5 * time.Second
	var (
		mu     sync.Mutex
		at     []time.Time // of the requests
		victim atomic.Pointer[os.Process]
	)
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Now())
		if slices.Contains([]int{12, 15, 35}, len(at)) {
			victim.Load().Kill()
		}
		return sandbox.Fault{Latency: 20 * time.Millisecond}
	}})
	w.program = buildProgram(t)
	w.write("c.csv", people(rows, "getlink"))
	starts := 0
	for code := -1; code == -1; starts++ {
		cmd := w.command("run", "c.csv", "--rate", "20/5s", "--rate", "100/s", "--workers", "8")
		mu.Lock() // no request may come before its process is known
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		victim.Store(cmd.Process)
		mu.Unlock()
		_ = cmd.Wait() // the exit code tells
		if code = cmd.ProcessState.ExitCode(); code > 0 {
			t.Fatalf("exit code %d, want 0", code)
		}
	}
	if starts != 4 {
		t.Errorf("%d processes, want 4", starts)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := quota; i < len(at); i++ {
		if got := at[i].Sub(at[i-quota]); got < window {
			t.Errorf("requests %d to %d came within %v, stated is %d in %v", i-quota+1, i+1, got, quota, window)
		}
	}
	t.Logf("%d requests for %d people in %v, killed three times", len(at), rows, at[len(at)-1].Sub(at[0]))
}
