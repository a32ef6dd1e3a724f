package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

// TestKill kills the real program without warning at random moments and runs it again until it is done. Nobody may be
// e-mailed twice, every invitation that was made must be accounted for, and a kill may leave no more unknown rows than
// there are workers.
func TestKill(t *testing.T) {
	kills := 250
	if os.Getenv("BATCHINVITE_SOAK") != "" {
		kills = 5000
	}
	program := buildProgram(t)
	for _, format := range []string{"getlink", "sendlink"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			for _, v := range killViolations(t, program, format, kills, rand.Uint64()) {
				t.Error(v)
			}
		})
	}
}

const (
	killRows    = 300
	killWorkers = 16
)

// killViolations kills a program so many times, and says what was wrong afterwards.
func killViolations(t *testing.T, program, format string, kills int, seed uint64) []string {
	k := &killer{t: t, program: program, format: format, dice: rand.New(rand.NewPCG(seed, 0))}
	rounds := 0
	for ; k.kills < kills; rounds++ {
		k.round()
	}
	t.Logf("seed %d: %d kills (%d before the first request, %d while sending, %d after the last answer) in %d rounds of %d rows: %d invitations, %d people unknown, at most %d after one kill",
		seed, k.kills, k.planning, k.kills-k.planning-k.finishing, k.finishing, rounds, killRows, k.invitations, k.unknown, k.worst)
	return k.wrong
}

type killer struct {
	t       *testing.T
	program string
	format  string
	dice    *rand.Rand
	wrong   []string

	kills, planning, finishing  int
	invitations, unknown, worst int

	victim atomic.Pointer[os.Process]
	fuse   atomic.Int64 // requests until the kill
	delay  atomic.Int64 // nanoseconds from then on
	asked  atomic.Int64 // requests of this process
}

func (k *killer) failf(format string, args ...any) {
	k.wrong = append(k.wrong, fmt.Sprintf(format, args...))
}

// round takes one file from nothing to done, through as many kills as that needs.
func (k *killer) round() {
	w := newWorld(k.t, sandbox.Config{APIKey: "k-1", CountsOnly: true, Script: func(key sandbox.Key, attempt int) sandbox.Fault {
		k.asked.Add(1)
		if k.fuse.Add(-1) == 0 {
			victim := k.victim.Load()
			time.AfterFunc(time.Duration(k.delay.Load()), func() { victim.Kill() })
		}
		return sandbox.Fault{Latency: time.Duration(len(key.Email)+attempt) % 7 * time.Millisecond}
	}})
	w.program = k.program
	w.write("c.csv", people(killRows, k.format))
	w.mustRun(0, "init")
	args := []string{"run", "c.csv", "--yes", "--workers", strconv.Itoa(killWorkers)}
	left, before := killRows, 0
	for last := false; !last && k.killOnce(w, args, left); {
		last = left == 0 // else a slow machine would never get to the end
		counts := w.counts()
		invited, unknown := counts["invited"], counts["unknown"]
		if unknown-before > killWorkers {
			k.failf("one kill left %d rows unknown, want at most %d", unknown-before, killWorkers)
		}
		left = killRows - invited
		if k.format == "sendlink" {
			left -= unknown
		}
		switch {
		case left == 0 && unknown == before:
			k.finishing++
		case k.asked.Load() == 0:
			k.planning++
		}
		k.worst, before = max(k.worst, unknown-before), unknown
	}
	k.finish(w, args)
}

// killOnce starts the program and kills it, after some requests or after some time. It is false if the program was done
// before that.
func (k *killer) killOnce(w *world, args []string, left int) bool {
	cmd := w.command(args...)
	k.asked.Store(0)
	k.fuse.Store(-1) // burnt out
	soon := time.Duration(k.dice.Int64N(int64(60 * time.Millisecond)))
	if left > 0 && k.dice.IntN(6) > 0 {
		k.fuse.Store(1 + k.dice.Int64N(int64(min(left, 40))))
		k.delay.Store(k.dice.Int64N(int64(2 * time.Millisecond)))
		if left <= 40 && k.dice.IntN(2) == 0 { // it shall have nothing left to send
			k.fuse.Store(int64(left))
			k.delay.Store(int64(soon))
		}
		soon = time.Minute // unless the requests come to nothing
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.victim.Store(cmd.Process)
	timer := time.AfterFunc(soon, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		k.kills++
		return true
	}
	return false
}

// finish runs the program to its end and compares what it says with what the vendor did.
func (k *killer) finish(w *world, args []string) {
	code, _, stderr := w.run(args...)
	if code != 0 && (code != 4 || k.format == "getlink") {
		k.failf("exit code %d at the end\n%s", code, stderr)
		return
	}
	table := w.read("c.results.csv")
	k.wrong = append(k.wrong, lies(table, w.vendor.Tallies())...)
	if got := len(table) - 1; got != killRows {
		k.failf("%d result rows for %d rows", got, killRows)
	}
	if twice := w.vendor.Duplicates("sendlink"); len(twice) > 0 {
		k.failf("%d people were e-mailed twice", len(twice))
	}
	k.wrong = append(k.wrong, w.exportDiffers("c.csv", "c.results.csv")...)
	unknown := w.counts()["unknown"]
	k.invitations += w.vendor.Invitations()
	k.unknown += unknown
}

// exportDiffers compares what export rebuilds with the results that a run has written (invariant 7).
func (w *world) exportDiffers(input, output string) []string {
	w.t.Helper()
	w.mustRun(0, "export", input, "-o", "rebuilt.csv")
	want, err := os.ReadFile(filepath.Join(w.dir, output))
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(w.dir, "rebuilt.csv"))
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		return []string{"export differs from the results (-results +export):\n" + diff}
	}
	return nil
}

var statusCount = regexp.MustCompile(`(?m)^  (\w[\w ]*?) +(\d+)$`)

// counts are the lines of status, such as "invited 3".
func (w *world) counts(args ...string) map[string]int {
	w.t.Helper()
	out, _ := w.mustRun(0, append([]string{"status"}, args...)...)
	found := map[string]int{}
	for _, m := range statusCount.FindAllStringSubmatch(out, -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			w.t.Fatal(err)
		}
		found[m[1]] = n
	}
	if _, ok := found["unknown"]; !ok {
		w.t.Fatalf("status says nothing of unknown rows:\n%s", out)
	}
	return found
}
