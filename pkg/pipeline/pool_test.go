package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

// sink keeps what is written. It is only read after the run.
type sink struct {
	results []invite.Result
	fail    error
}

func (s *sink) Write(r invite.Result) error {
	s.results = append(s.results, r)
	return s.fail
}

func (s *sink) Flush() error { return nil }

func valid(line int, name string, f invite.Format) invite.Row {
	c := candidate(name, f)
	c.Origin.Line = line
	return invite.Row{Origin: c.Origin, Cells: []string{name, c.Email}, Candidate: c}
}

func rowsOf(rows []invite.Row) iter.Seq2[invite.Row, error] {
	return func(yield func(invite.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// newPool plans the rows and makes the pool that would send them.
func newPool(t *testing.T, rows []invite.Row, call invite.Call, workers int) (*pipeline.Pool, *sink) {
	t.Helper()
	led, run := openRun(t)
	t.Cleanup(func() {
		if err := led.Close(); err != nil {
			t.Error(err)
		}
	})
	planner := pipeline.Planner{Lookup: led.Lookup, Size: len(rows), Now: time.Now(), Invalid: func(invite.Row, invite.Problem) {}}
	plan, err := planner.Plan(t.Context(), rowsOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	out := &sink{}
	return &pipeline.Pool{
		Files: []string{"a.csv", "b.csv"}, Rows: rowsOf(rows), Repeats: plan.Repeats, Sink: out, Workers: workers,
		Progress: &pipeline.Progress{},
		Step: &pipeline.Step{
			Ledger: led, Run: run, GiveUp: time.Minute, Call: call, Gate: pipeline.NewGate(workers, 10, time.Minute),
			Pace:   pace.New([]pace.Rate{{Calls: 1_000_000, Per: time.Second}}, time.Minute),
			Jitter: func(time.Duration) time.Duration { return 0 },
			Called: func(invite.Candidate, invite.Answer, time.Duration) {},
			Lost:   func(invite.Candidate, invite.Outcome, error) {},
		},
	}, out
}

// uneven answers after a random time, so that rows finish out of order.
func uneven(calls *atomic.Int64) invite.Call {
	return func(_ context.Context, c invite.Candidate, _ string) invite.Answer {
		calls.Add(1)
		<-time.After(rand.N(3 * time.Millisecond))
		a := invited()
		a.Outcome.Link = "https://" + c.Name + ".example.org"
		return a
	}
}

func TestPool_resultsComeInInputOrder(t *testing.T) {
	var rows []invite.Row
	for i := range 2000 {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink))
	}
	rows[17].Problem = &invite.Problem{Line: 19, Column: "Name", Reason: "name is missing"}
	var calls atomic.Int64
	pool, out := newPool(t, rows, uneven(&calls), 64)
	totals, err := pool.Run(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(out.results) != len(rows) || calls.Load() != int64(len(rows)-1) {
		t.Fatalf("%d results, %d calls for %d rows of which one is invalid", len(out.results), calls.Load(), len(rows))
	}
	for i, r := range out.results {
		want := "https://" + rows[i].Candidate.Name + ".example.org"
		if i == 17 {
			want = ""
		}
		if r.Row.Origin.Line != i+2 || r.Outcome.Link != want {
			t.Fatalf("result %d is line %d with link %q, want line %d with %q", i, r.Row.Origin.Line, r.Outcome.Link, i+2, want)
		}
	}
	if got := out.results[17]; got.Status != invite.StatusInvalid || got.Outcome.Error != "line 19, column Name: name is missing" {
		t.Errorf("invalid row: %s %q", got.Status, got.Outcome.Error)
	}
	if totals.Rows != 2000 || totals.Counts[invite.StatusInvited] != 1999 || totals.Reached != 1999 || totals.Calls != 1999 {
		t.Errorf("totals %+v do not add up", totals)
	}
}

func TestPool_stopLeavesEveryRowWithAResult(t *testing.T) {
	var rows []invite.Row
	for i := range 1000 {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), invite.SendLink))
	}
	var calls atomic.Int64
	refusal := refused(false)
	refusal.Stop = &invite.Stop{Kind: invite.StopPerson, Reason: "the API key was refused"}
	pool, out := newPool(t, rows, script(&calls, always(refusal)), 32)
	totals, err := pool.Run(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls with a wrong key, want 1: the first row goes alone", calls.Load())
	}
	if len(totals.Stops) != 1 || totals.Stops[0].Kind != invite.StopPerson || totals.Counts[invite.StatusNotSent] != 1000 || len(out.results) != 1000 {
		t.Errorf("totals %+v, %d results, want all 1000 not_sent and the reason", totals, len(out.results))
	}
	if got, want := out.results[999].Outcome.Error, "not sent: the API key was refused"; got != want {
		t.Errorf("last row says %q, want %q", got, want)
	}
}

func TestPool_limitTakesTheFirstRows(t *testing.T) {
	var rows []invite.Row
	for i := range 20 {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink))
	}
	var calls atomic.Int64
	pool, out := newPool(t, rows, uneven(&calls), 8)
	pool.Limit = 3
	totals, err := pool.Run(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 3 || totals.OverLimit != 17 || totals.Reached != 3 || totals.Missed != 0 {
		t.Errorf("%d calls, %d over the limit, %d reached, want 3, 17, 3", calls.Load(), totals.OverLimit, totals.Reached)
	}
	if r := out.results[3]; r.Status != invite.StatusNotSent || r.Outcome.Error != "not sent: beyond --limit" {
		t.Errorf("row 4: %s %q", r.Status, r.Outcome.Error)
	}
}

func TestPool_readErrorEndsTheRun(t *testing.T) {
	broken := errors.New("broken file")
	var calls atomic.Int64
	pool, _ := newPool(t, nil, uneven(&calls), 4)
	pool.Rows = func(yield func(invite.Row, error) bool) { yield(invite.Row{}, broken) }
	if _, err := pool.Run(t.Context(), t.Context()); !errors.Is(err, broken) {
		t.Errorf("Run = %v, want %v", err, broken)
	}
}

func TestPool_writeErrorEndsTheRunAndNoWorkerHangs(t *testing.T) {
	full := errors.New("disk full")
	var rows []invite.Row
	for i := range 3000 {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink))
	}
	var calls atomic.Int64
	pool, out := newPool(t, rows, uneven(&calls), 16)
	out.fail = full
	if _, err := pool.Run(t.Context(), t.Context()); !errors.Is(err, full) {
		t.Errorf("Run = %v, want %v", err, full)
	}
	if n := calls.Load(); n > 1000 {
		t.Errorf("%d calls after the results could not be written any more", n)
	}
}

func TestPool_ledgerErrorStopsAllCalls(t *testing.T) {
	var rows []invite.Row
	for i := range 3000 {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink))
	}
	var calls atomic.Int64
	pool, _ := newPool(t, rows, uneven(&calls), 16)
	failing := &failingLedger{Ledger: pool.Step.Ledger, after: 100, err: errors.New("disk full")}
	pool.Step.Ledger = failing
	_, err := pool.Run(t.Context(), t.Context())
	if !errors.Is(err, failing.err) {
		t.Fatalf("Run = %v, want the ledger's error", err)
	}
	if n := calls.Load(); n > failing.after {
		t.Errorf("%d calls, want at most the %d that were claimed", n, failing.after)
	}
}

// failingLedger is the disk that fills up: real until then.
type failingLedger struct {
	pipeline.Ledger
	after  int64
	claims atomic.Int64
	err    error
}

func (f *failingLedger) Claim(ctx context.Context, run int64, c invite.Candidate, expires string, p invite.Policy) (invite.Claim, error) {
	if f.claims.Add(1) > f.after {
		return invite.Claim{}, f.err
	}
	return f.Ledger.Claim(ctx, run, c, expires, p)
}

func TestPool_everyReasonToStopIsTold(t *testing.T) {
	var rows []invite.Row
	for i := range 100 {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink))
	}
	take, interrupt := context.WithCancelCause(t.Context())
	pool, _ := newPool(t, rows, func(context.Context, invite.Candidate, string) invite.Answer {
		interrupt(&invite.Stop{Kind: invite.StopInterrupted, Reason: "interrupted"}) // while the call is in flight
		a := refused(false)
		a.Stop = &invite.Stop{Kind: invite.StopPerson, Reason: "used up"}
		return a
	}, 8)
	totals, err := pool.Run(take, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(totals.Stops) != 2 {
		t.Errorf("%d reasons, want the refusal and the signal", len(totals.Stops))
	}
}

func TestPool_whatStoodBeforeIsNotForgotten(t *testing.T) {
	stop := &invite.Stop{Kind: invite.StopPerson, Reason: "used up"}
	linked, broken, last := valid(2, "ann", invite.GetLink), valid(3, "bob", invite.GetLink), valid(4, "cy", invite.GetLink)
	pool, _ := newPool(t, []invite.Row{linked, broken, last}, func(_ context.Context, c invite.Candidate, _ string) invite.Answer {
		switch c.Name {
		case "ann":
			return invited()
		case "bob":
			return ambiguous(invite.GetLink)
		}
		a := refused(false)
		a.Stop = stop
		return a
	}, 1)
	if _, err := pool.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}

	// Now ann is to be e-mailed, bob's date has passed, and the key is refused from the start.
	mailed := valid(2, "ann", invite.SendLink)
	late := valid(3, "bob", invite.GetLink)
	var err error
	if late.Candidate.Expiry, err = invite.ParseExpiry("2001-01-01", "Expiry", invite.AsWritten); err != nil {
		t.Fatal(err)
	}
	rows := []invite.Row{last, mailed, late}
	planner := pipeline.Planner{Lookup: pool.Step.Ledger.Lookup, Policy: invite.Policy{EmailLinked: true}, Now: time.Now(),
		Invalid: func(_ invite.Row, p invite.Problem) { t.Errorf("the plan calls a row invalid: %s", p) }}
	plan, err := planner.Plan(t.Context(), rowsOf(rows))
	if err != nil || plan.Send != 2 || plan.Unknown != 1 {
		t.Errorf("plan: %d to send, %d unknown, %v, want 2 and 1", plan.Send, plan.Unknown, err)
	}
	out := &sink{}
	pool.Rows, pool.Sink, pool.Repeats, pool.Progress = rowsOf(rows), out, plan.Repeats, &pipeline.Progress{}
	pool.Step.Policy.EmailLinked = true
	if _, err := pool.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := out.results[1]; r.Status != invite.StatusNotSent || r.Outcome.Link != "https://x.example.org" {
		t.Errorf("ann: %s %q, want not_sent with the link that she has", r.Status, r.Outcome.Link)
	}
	if r := out.results[2]; r.Status != invite.StatusUnknown {
		t.Errorf("bob: %s, want unknown as before, though his date has passed", r.Status)
	}
}

func TestPool_longRowsDoNotAddUp(t *testing.T) {
	var inFlight, most atomic.Int64
	long := strings.Repeat("x", 1<<19)
	rows := func(yield func(invite.Row, error) bool) {
		for i := range 200 {
			row := valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink)
			row.Cells = []string{long}
			most.Store(max(most.Load(), inFlight.Add(1)))
			if !yield(row, nil) {
				return
			}
		}
	}
	pool, _ := newPool(t, nil, func(context.Context, invite.Candidate, string) invite.Answer { return invited() }, 4)
	pool.Rows, pool.Sink = rows, counted{&inFlight}
	if _, err := pool.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := most.Load(); n > 40 { // 20 MB of them: the window's 8 MB, and what is on its way in and out
		t.Errorf("%d rows of half a megabyte were read and not written yet", n)
	}
}

// counted takes results off the count of those on their way.
type counted struct{ inFlight *atomic.Int64 }

func (c counted) Write(invite.Result) error {
	c.inFlight.Add(-1)
	return nil
}

func (counted) Flush() error { return nil }
