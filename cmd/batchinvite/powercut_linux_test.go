package main

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/sandbox"
)

// TestPowerCut rebuilds what a power cut can leave of a ledger, at random moments in the life of the real program, and
// holds invariants 2 and 5 against what had been sent and told by then.
func TestPowerCut(t *testing.T) {
	needStrace(t)
	t.Parallel()
	images, seed := 50, rand.Uint64()
	if os.Getenv("BATCHINVITE_SOAK") != "" {
		images = 2000
	}
	for _, v := range powerCutViolations(t, buildProgram(t), images, seed) {
		t.Error(v)
	}
}

// A check that can't fail proves nothing.
func TestPowerCut_findsFaultWhereTheLogIsNotSynced(t *testing.T) {
	needStrace(t)
	folder := t.TempDir()
	actWithLedger(t, buildProgram(t), folder, 60)
	p := newPlay(t, folder)
	for _, m := range p.trace {
		if m.name == "fsync" && strings.HasSuffix(m.on, "-wal") {
			m.result = "-1 EIO"
		}
	}
	if wrong := p.cutPower(t, 10, rand.Uint64()); len(wrong) == 0 {
		t.Error("nothing is found wrong where no fsync of the log works")
	}
}

// replayEnv names the folder that a failed test left behind: its traces and its seed give the same images once more.
const replayEnv = "BATCHINVITE_REPLAY"

// powerCutViolations lets a program work, and says which images of its ledger break a promise.
func powerCutViolations(t *testing.T, program string, images int, seed uint64) []string {
	folder := os.Getenv(replayEnv)
	if folder == "" {
		folder = t.TempDir()
		actWithLedger(t, program, folder, 300)
	} else if text, err := os.ReadFile(filepath.Join(folder, "seed")); err != nil {
		t.Fatal(err)
	} else if seed, err = strconv.ParseUint(string(text), 10, 64); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() { // with a program that is broken on purpose there is nothing to replay
			keepForReplay(t, folder, seed)
		}
	})
	return newPlay(t, folder).cutPower(t, images, seed)
}

// cutPower goes through a play, and at random moments looks at what a power cut would leave. A play can't be used again.
func (p *play) cutPower(t *testing.T, images int, seed uint64) (violations []string) {
	cuts := map[int][]int{} // the numbers of the images, by the place of their power cut in the trace
	for image := range images {
		dice := rand.New(rand.NewPCG(seed, uint64(image)))
		place := dice.IntN(len(p.trace) + 1)
		if dice.IntN(8) == 0 {
			place = dice.IntN(p.begins[1]) // the little that init does would be missed
		}
		cuts[place] = append(cuts[place], image)
	}
	for place := range len(p.trace) + 1 {
		for _, image := range cuts[place] {
			dice := rand.New(rand.NewPCG(seed, ^uint64(image)))
			for _, what := range p.inspect(t, p.disk.cut(dice), dice) {
				violations = append(violations, fmt.Sprintf("image %d, power cut at %d of %d, %d requests sent: %s",
					image, place, len(p.trace), len(p.asked), what))
			}
		}
		if place < len(p.trace) {
			if err := p.see(p.trace[place]); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("seed %d: %d images from %d system calls with %d requests, %d of them while the ledger was begun; %d records compared, at most %d unknown in an image, %d violations",
		seed, images, len(p.trace)/2, len(p.asked), p.early, p.records, p.worst, len(violations))
	return violations
}

// keepForReplay lets a failed test's traces outlive it.
func keepForReplay(t *testing.T, folder string, seed uint64) {
	kept, err := os.MkdirTemp("", "batchinvite-powercut-") //nolint:usetesting // that would not outlive the test
	if err == nil {
		err = errors.Join(os.CopyFS(kept, os.DirFS(folder)), os.WriteFile(filepath.Join(kept, "seed"), []byte(fmt.Sprint(seed)), 0o600))
	}
	t.Logf("replay: %s=%s go test -run %s ./cmd/batchinvite (%v)", replayEnv, kept, t.Name(), err)
}

const cutWorkers = 16

// scenes are the commands that actWithLedger runs, each with a trace of its own.
var scenes = []string{"init", "killed", "rerun"}

// actWithLedger begins a ledger, kills a run in the middle, and lets another one go on to the end, at a pace at which
// the log is folded into the ledger's file now and then.
func actWithLedger(t *testing.T, program, folder string, rows int) {
	var fuse atomic.Int64
	var w *world
	w = newWorld(t, sandbox.Config{APIKey: "k-1", CountsOnly: true, Script: func(key sandbox.Key, _ int) sandbox.Fault {
		if fuse.Add(-1) == 0 {
			w.killTraced()
		}
		fault := sandbox.Fault{Latency: 120 * time.Millisecond} // most workers are waiting for an answer at any moment
		if strings.HasPrefix(key.Email, "p7") {
			fault.Kind = sandbox.Rejected
		}
		return fault
	}})
	w.program = program
	w.write("c.csv", people(rows, "sendlink"))
	run := []string{"run", "c.csv", "--yes", "--rate", "100/s", "--workers", strconv.Itoa(cutWorkers)}
	act := func(scene string, args ...string) []moment {
		code, trace := w.trace(scene, args...)
		if killed := scene == "killed"; killed != (code == -1) || code == exitInternal {
			t.Fatalf("%s: exit code %d", scene, code)
		}
		if err := os.Rename(filepath.Join(w.dir, scene), filepath.Join(folder, scene)); err != nil {
			t.Fatal(err)
		}
		return trace
	}
	act(scenes[0], "init")
	fuse.Store(int64(rows / 3))
	killed := act(scenes[1], run...)
	if slices.ContainsFunc(killed, func(m moment) bool { return m.ended == 0 && (m.name == "pwrite64" || m.name == "ftruncate") }) {
		t.Log("killed inside a write, of which nobody knows whether it was done: once more")
		actWithLedger(t, program, folder, rows)
		return
	}
	act(scenes[2], run...)
}

// play is what happened up to a moment: on the disk, and in the eyes of the vendor and of whoever reads the results.
type play struct {
	trace   []moment
	begins  []int // the places in trace where the commands of scenes begin
	account string

	place   int
	disk    *disk
	asked   map[string]int    // requests whose first byte had left, by address
	told    map[string]string // what the results files said, by address
	partial bytes.Buffer      // the end of the results file that is being written

	early, records, worst int // of all images
}

var (
	hostLine  = regexp.MustCompile(`Host: (\S+)\r`)
	resultRow = regexp.MustCompile(`,(p\d+@example\.org),4711,sendlink,(\w+),`)
)

// newPlay joins the traces of all scenes.
func newPlay(t *testing.T, folder string) *play {
	p := &play{asked: map[string]int{}, told: map[string]string{}}
	for _, scene := range scenes {
		trace, err := readTrace(filepath.Join(folder, scene))
		if err != nil {
			t.Fatal(err)
		}
		before := len(p.trace)
		p.begins = append(p.begins, before)
		for _, m := range trace {
			if !m.end {
				m.begun += before
				if m.ended > 0 {
					m.ended += before
				}
			}
			if host := hostLine.FindSubmatch(m.data()); m.sends() && host != nil {
				p.account = string(host[1]) + "/default"
			}
			if name, ok := strings.CutSuffix(cmp.Or(append(m.strings, "")...), "/ledger.db"); ok && p.disk == nil {
				p.disk = newDisk(name)
			}
		}
		p.trace = append(p.trace, trace...)
	}
	if p.disk == nil || p.account == "" {
		t.Fatal("the traces have no ledger or no request")
	}
	return p
}

// see takes up the next moment.
func (p *play) see(m moment) error {
	p.place++
	switch {
	case m.end:
	case m.sends() && bytes.HasPrefix(m.data(), posted) && (m.ok() || m.ended == 0):
		for _, who := range address.FindAll(m.data(), -1) {
			p.asked[string(who)]++
		}
	case m.name == "write" && strings.HasSuffix(m.on, ".partial"):
		p.read(m.data())
	}
	return p.disk.see(m)
}

// read takes up a piece of a results file.
func (p *play) read(piece []byte) {
	p.partial.Write(piece)
	for {
		line, err := p.partial.ReadString('\n')
		if err != nil { // it goes on in the next piece
			p.partial.WriteString(line)
			return
		}
		if row := resultRow.FindStringSubmatch(line); row != nil {
			p.told[row[1]] = strings.TrimPrefix(row[2], "already_")
		}
	}
}

// inspect starts the machine again: it opens what the power cut left as the next command would.
func (p *play) inspect(t *testing.T, image map[string][]byte, dice *rand.Rand) (wrong []string) {
	folder := t.TempDir()
	defer os.RemoveAll(folder) // 2,000 of them would be much
	for name, content := range image {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if image["ledger.db-wal"] != nil && dice.IntN(2) == 0 { // shared memory, whatever is in it
		garbage := make([]byte, 32768)
		for i := range garbage {
			garbage[i] = byte(dice.Uint32())
		}
		if err := os.WriteFile(filepath.Join(folder, "ledger.db-shm"), garbage, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(folder, "ledger.db")
	mode := sqlite.Write // which creates nothing: init was over, so it must all be there
	if p.place < p.begins[1] {
		mode = sqlite.Create
		p.early++
	}
	led, err := sqlite.Open(t.Context(), path, p.account, sqlite.Options{Mode: mode, Command: "power is back"})
	if err != nil {
		return []string{err.Error()}
	}
	defer led.Close()
	if what := integrity(t, path); what != "ok" {
		return []string{"integrity_check: " + what}
	}
	return p.compare(t, led)
}

func integrity(t *testing.T, path string) (what string) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&what); err != nil {
		return err.Error()
	}
	return what
}

// compare holds the ledger against what the world had seen.
func (p *play) compare(t *testing.T, led *sqlite.Ledger) (wrong []string) {
	who := slices.Sorted(maps.Keys(p.asked))
	keys := make([]invite.Key, len(who))
	for i, email := range who {
		keys[i] = invite.Key{Campaign: "default", Assessment: 4711, Email: email}
	}
	histories, err := led.Lookup(t.Context(), keys)
	if err != nil {
		return []string{err.Error()}
	}
	run, err := led.Start(t.Context(), ledger.Run{Campaign: "default"})
	if err != nil {
		return []string{err.Error()}
	}
	unknown := 0
	for i, h := range histories {
		rec := h.Of(invite.SendLink)
		if rec == nil || rec.Outcome.Attempts < p.asked[who[i]] {
			wrong = append(wrong, fmt.Sprintf("%s: %d requests had left, the ledger has %+v", who[i], p.asked[who[i]], rec))
			continue
		}
		switch state := rec.Outcome.State; {
		case p.told[who[i]] == "invited" && state != invite.Invited, p.told[who[i]] == "rejected" && state != invite.Rejected:
			wrong = append(wrong, fmt.Sprintf("%s: the results said %s, the ledger says %s", who[i], p.told[who[i]], state))
		case state == invite.Rejected: // may be claimed again
			continue
		case state == invite.Unknown:
			unknown++
		}
		_, err := led.Claim(t.Context(), run, invite.Candidate{Key: keys[i], Name: rec.Name, Email: who[i], Format: invite.SendLink}, "", invite.Policy{})
		if !errors.Is(err, ledger.ErrRefused) {
			wrong = append(wrong, fmt.Sprintf("%s: a second claim gave %v, want it refused", who[i], err))
		}
	}
	runs := 0
	for scene, begin := range p.begins {
		if scene > 0 && p.place > begin {
			runs++
		}
	}
	if unknown > runs*cutWorkers {
		wrong = append(wrong, fmt.Sprintf("%d people are unknown after %d runs, want at most %d each", unknown, runs, cutWorkers))
	}
	p.records, p.worst = p.records+len(who), max(p.worst, unknown)
	return wrong
}
