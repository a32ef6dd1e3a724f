package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"batchinvite/pkg/sandbox"
)

// TestKill kills the real program without warning at random moments and runs it again until it is done. Nobody may be
// e-mailed twice, every invitation that was made must be accounted for, and a kill may leave no more unknown rows than
// there are workers.
func TestKill(t *testing.T) {
	const kills = 100
	program := buildProgram(t)
	for _, format := range []string{"getlink", "sendlink"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			k := &killer{t: t, program: program, format: format, dice: rand.New(rand.NewPCG(seed, 0))}
			t.Logf("seed %d", seed)
			rounds := 0
			for ; k.kills < kills; rounds++ {
				k.round()
			}
			t.Logf("%d kills in %d rounds of %d rows: %d invitations, %d people unknown, at most %d after one kill",
				k.kills, rounds, killRows, k.invitations, k.unknown, k.worst)
		})
	}
}

const (
	killRows    = 500
	killWorkers = 16
)

type killer struct {
	t       *testing.T
	program string
	format  string
	dice    *rand.Rand

	kills, invitations, unknown, worst int

	victim atomic.Pointer[os.Process]
	fuse   atomic.Int64 // requests until the kill
}

// round takes one file from nothing to done, through as many kills as that needs.
func (k *killer) round() {
	w := newWorld(k.t, sandbox.Config{APIKey: "k-1", Script: func(key sandbox.Key, attempt int) sandbox.Fault {
		if k.fuse.Add(-1) == 0 {
			k.victim.Load().Kill()
		}
		return sandbox.Fault{Latency: time.Duration(len(key.Email)+attempt) % 7 * time.Millisecond}
	}})
	w.program = k.program
	w.write("c.csv", people(killRows, k.format))
	w.mustRun(0, "init")
	args := []string{"run", "c.csv", "--yes", "--workers", strconv.Itoa(killWorkers)}
	before := 0
	for k.killOnce(w, args) {
		now := w.unknown()
		if now-before > killWorkers {
			k.t.Errorf("one kill left %d rows unknown, want at most %d", now-before, killWorkers)
		}
		k.worst, before = max(k.worst, now-before), now
	}
	code, _, stderr := w.run(args...)
	if code != 0 && (code != 4 || k.format == "getlink") {
		k.t.Errorf("exit code %d at the end\n%s", code, stderr)
	}
	w.wantHonest("c.results.csv")
	if got := len(w.read("c.results.csv")) - 1; got != killRows {
		k.t.Errorf("%d result rows for %d rows", got, killRows)
	}
	if twice := w.vendor.Duplicates("sendlink"); len(twice) > 0 {
		k.t.Errorf("%d people were e-mailed twice", len(twice))
	}
	k.invitations += w.vendor.Invitations()
	k.unknown += w.unknown()
}

// killOnce starts the program and kills it, after some requests or after some time. It is false if the program was done
// before that.
func (k *killer) killOnce(w *world, args []string) bool {
	cmd := w.command(args...)
	k.fuse.Store(-1) // burnt out
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.victim.Store(cmd.Process)
	if k.dice.IntN(4) > 0 {
		k.fuse.Store(1 + k.dice.Int64N(killRows/4))
	} else {
		timer := time.AfterFunc(time.Duration(k.dice.IntN(400))*time.Millisecond, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		k.kills++
		return true
	}
	return false
}

var unknownCount = regexp.MustCompile(`(?m)^  unknown +(\d+)$`)

// unknown asks the program itself.
func (w *world) unknown() int {
	w.t.Helper()
	out, _ := w.mustRun(0, "status")
	m := unknownCount.FindStringSubmatch(out)
	if m == nil {
		w.t.Fatalf("status says nothing of unknown rows:\n%s", out)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
