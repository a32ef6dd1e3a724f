package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/ledgertest"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

// TestSimulation runs whole campaigns in virtual time, each from one seed: files, a vendor with its faults and outages,
// signals and crashes in the middle, until everything that can be done is done. After each step the vendor's own record,
// the ledger and the results must agree with each other and with the invariants. A failure prints its seed;
// BATCHINVITE_SEED=N runs that one again.
func TestSimulation(t *testing.T) {
	first, seeds := rand.Uint64()>>1, 2000
	if os.Getenv("BATCHINVITE_SOAK") != "" {
		seeds = 100_000
	}
	if text := os.Getenv("BATCHINVITE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, seeds = seed, 1
	}
	var sum simSum
	t.Run("seeds", func(t *testing.T) {
		const shards = 4
		for shard := range uint64(shards) {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for seed := first + shard; seed < first+uint64(seeds) && !t.Failed(); seed += shards {
					synctest.Test(t, func(t *testing.T) {
						s := newSimulation(t, seed)
						s.campaign()
						sum.add(s)
					})
				}
			})
		}
	})
	t.Logf("seeds %d to %d: %s", first, first+uint64(seeds)-1, &sum)
}

// simSum is what all seeds came to.
type simSum struct{ rows, runs, crashes, stops, calls, spare, unknown atomic.Int64 }

func (s *simSum) add(sim *simulation) {
	s.rows.Add(int64(len(sim.rows)))
	s.runs.Add(int64(sim.runs))
	s.crashes.Add(int64(sim.crashes))
	s.stops.Add(int64(sim.stops))
	for p, n := range sim.vendor.calls {
		s.calls.Add(int64(n))
		s.spare.Add(int64(max(0, sim.vendor.acted[p]-1)))
	}
	for _, r := range sim.last {
		if r.Status == invite.StatusUnknown {
			s.unknown.Add(1)
		}
	}
}

func (s *simSum) String() string {
	return fmt.Sprintf("%d rows, %d runs, %d crashes, %d early stops, %d calls, %d spare links, %d rows unknown at the end",
		s.rows.Load(), s.runs.Load(), s.crashes.Load(), s.stops.Load(), s.calls.Load(), s.spare.Load(), s.unknown.Load())
}

// simulation is the campaign of one seed.
type simulation struct {
	t       *testing.T
	seed    uint64
	dice    *rand.Rand
	rows    []invite.Row
	workers int
	rates   []pace.Rate
	model   *ledgertest.Model
	vendor  *simVendor
	checker *simChecker
	last    []invite.Result // of the last run that came to its end

	runs, crashes, stops int
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	dice := rand.New(rand.NewPCG(seed, 0))
	s := &simulation{t: t, seed: seed, dice: dice, workers: 1 + dice.IntN(16), model: ledgertest.NewModel(), vendor: newSimVendor(seed, dice)}
	s.rows = simRows(dice)
	s.rates = []pace.Rate{{Calls: 1 + dice.IntN(20), Per: time.Second}, {Calls: 5 + dice.IntN(30), Per: time.Duration(5+dice.IntN(55)) * time.Second}}
	s.rates = s.rates[:1+dice.IntN(2)]
	s.checker = newSimChecker(s)
	s.vendor.check = s.checker.claimed
	return s
}

// simRows is a file with everything that files have.
func simRows(dice *rand.Rand) (rows []invite.Row) {
	people := 1 + dice.IntN(60)
	mixed, formats := dice.IntN(3), []invite.Format{invite.GetLink, invite.SendLink}
	for line := 2; line < 2+people+dice.IntN(10); line++ {
		format := formats[dice.IntN(2)]
		if mixed < 2 {
			format = formats[mixed]
		}
		row := valid(line, fmt.Sprintf("p%d", dice.IntN(people*4)), format)
		row.Candidate.Key.Assessment = int64(4711 + dice.IntN(3))
		if dice.IntN(15) == 0 {
			row.Problem = &invite.Problem{Line: line, Column: "name", Reason: "name is missing"}
		}
		rows = append(rows, row)
	}
	return rows
}

// campaign runs the file until all is done: some runs amid troubles, and then as many in peace as are needed.
func (s *simulation) campaign() {
	for range 1 + s.dice.IntN(5) {
		s.run(true)
		s.vendor.trouble(s.dice)
		<-time.After(time.Duration(s.dice.IntN([]int{10, 3600}[s.dice.IntN(2)])) * time.Second)
	}
	s.vendor.heal()
	s.run(false)
	s.run(false)
	s.checker.done(s.last)
}

// run is one run of the program. With trouble it may be stopped, given up or killed in its middle.
func (s *simulation) run(trouble bool) {
	s.runs++
	before := s.checker.before(s.model)
	id, err := s.model.Start(context.Background(), ledger.Run{Campaign: "default"})
	if err != nil {
		s.fatalf("start: %v", err)
	}
	policy := invite.Policy{RetryRejected: !trouble || s.dice.IntN(2) == 0, EmailLinked: s.dice.IntN(2) == 0}
	out := &sink{}
	pool := s.pool(id, policy, before.proven, out)
	take, stop := context.WithCancelCause(s.t.Context())
	abort, giveUp := context.WithCancel(s.t.Context())
	defer stop(nil)
	defer giveUp()
	crashed := false
	if trouble {
		defer s.accident(stop, giveUp, &crashed)()
	}
	totals, err := pool.Run(take, abort)
	if len(totals.Stops) > 0 {
		s.stops++
	}
	switch {
	case crashed:
		s.crashes++
		s.model = s.model.Reopen()
		s.checker.afterCrash(s.model, before, s.workers)
		return
	case err != nil:
		s.fatalf("run %d: %v", id, err)
	}
	ended := time.Now()
	if err := s.model.Finish(context.Background(), id, ledger.End{Cause: totals.Cause, Counts: totals.Counts}); err != nil {
		s.fatalf("finish: %v", err)
	}
	s.last = out.results
	s.checker.after(s.model, before, out.results, totals)

	// What a later export would give.
	again := &sink{}
	past := s.pool(id, policy, before.proven, again)
	past.Began, past.Past = pool.Began, &pipeline.Past{Run: id, Cause: totals.Cause, Closed: totals.Closed, Ended: ended}
	if _, err := past.Run(s.t.Context(), s.t.Context()); err != nil {
		s.fatalf("export: %v", err)
	}
	s.checker.same(out.results, again.results)
}

// accident lets something happen in the middle of the run, perhaps. What it returns takes it back.
func (s *simulation) accident(stop context.CancelCauseFunc, giveUp context.CancelFunc, crashed *bool) (cancel func()) {
	at, kind := time.Duration(s.dice.ExpFloat64()*float64(8*time.Second)), s.dice.IntN(6)
	model := s.model
	timer := time.AfterFunc(at, func() {
		switch kind {
		case 0:
			stop(&invite.Stop{Kind: invite.StopTerminated, Reason: "terminated"})
		case 1:
			stop(&invite.Stop{Kind: invite.StopInterrupted, Reason: "interrupted"})
			giveUp()
		case 2, 3:
			*crashed = true
			model.Crash()
			stop(&invite.Stop{Kind: invite.StopTerminated, Reason: "crashed"})
			giveUp()
		}
	})
	return func() { timer.Stop() }
}

func (s *simulation) pool(id int64, policy invite.Policy, proven bool, out *sink) *pipeline.Pool {
	planner := pipeline.Planner{Lookup: s.model.Lookup, Policy: policy, Size: len(s.rows), Now: time.Now(), Invalid: func(invite.Row, invite.Problem) {}}
	plan, err := planner.Plan(s.t.Context(), rowsOf(s.rows))
	if err != nil {
		s.fatalf("plan: %v", err)
	}
	return &pipeline.Pool{
		Files: []string{"a.csv"}, Rows: rowsOf(s.rows), Repeats: plan.Repeats, Sink: out, Workers: s.workers, Began: time.Now(),
		Progress: &pipeline.Progress{},
		Step: &pipeline.Step{
			Ledger: watched{s.model, s.checker}, Run: id, Policy: policy, Proven: proven, GiveUp: 15 * time.Minute,
			Gate: pipeline.NewGate(s.workers, 10, 15*time.Minute), Call: s.vendor.call,
			Pace:   s.pace(),
			Jitter: func(d time.Duration) time.Duration { return d / 2 },
			Called: func(invite.Candidate, invite.Answer, time.Duration) {},
			Lost:   func(invite.Candidate, invite.Outcome, error) {},
		},
	}
}

// pace goes on from what the ledger says of earlier runs.
func (s *simulation) pace() *pace.Limiter {
	used, err := s.model.Usage(s.t.Context(), time.Now().Add(-pace.Memory(s.rates)))
	if err != nil {
		s.fatalf("usage: %v", err)
	}
	var earlier []pace.Usage
	for _, u := range used {
		earlier = append(earlier, pace.Usage(u))
	}
	return pace.New(s.rates, 15*time.Minute, earlier...)
}

func (s *simulation) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: "+format, append([]any{s.seed}, args...)...)
}
