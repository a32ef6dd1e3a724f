package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/ledgertest"
	"batchinvite/pkg/pipeline"
)

// simChecker compares the vendor's record, the ledger and the results. The numbers are those of package ledger.
type simChecker struct {
	*simulation

	mu     sync.Mutex
	claims []invite.Claim // of all runs, in their order
	latest map[person]invite.Claim
}

// watched is the simulation's ledger, whose claims the checker keeps.
type watched struct {
	*ledgertest.Model
	checker *simChecker
}

func (w watched) Claim(ctx context.Context, run int64, c invite.Candidate, expires string, p invite.Policy) (invite.Claim, error) {
	claim, err := w.Model.Claim(ctx, run, c, expires, p)
	if err == nil {
		w.checker.mu.Lock()
		defer w.checker.mu.Unlock()
		w.checker.claims = append(w.checker.claims, claim)
		w.checker.latest[person{claim.Key, claim.Format}] = claim
	}
	return claim, err
}

// snapshot is what the ledger said at some moment.
type snapshot struct {
	records map[person]invite.Record
	dead    int // unknown because a run died
	proven  bool
}

func newSimChecker(s *simulation) *simChecker {
	return &simChecker{simulation: s, latest: map[person]invite.Claim{}}
}

func (c *simChecker) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("seed %d: "+format, append([]any{c.seed}, args...)...)
}

func (c *simChecker) look(model *ledgertest.Model) snapshot {
	c.t.Helper()
	s := snapshot{records: map[person]invite.Record{}}
	for _, row := range c.rows {
		h, err := model.Lookup(context.Background(), []invite.Key{row.Candidate.Key})
		if err != nil {
			c.fatalf("look up: %v", err)
		}
		for _, rec := range h[0].Records {
			s.records[person{rec.Key, rec.Format}] = rec
		}
	}
	for _, rec := range s.records {
		switch {
		case rec.Outcome.State == invite.Unknown && rec.Outcome.Error == ledger.DeadRun:
			s.dead++
		case rec.Outcome.State == invite.Invited:
			s.proven = true
		}
	}
	return s
}

func (c *simChecker) before(model *ledgertest.Model) snapshot { return c.look(model) }

// claimed checks of each request that its claim stands (2).
func (c *simChecker) claimed(p person) {
	h, err := c.model.Lookup(context.Background(), []invite.Key{p.key})
	if err != nil {
		return // the process has crashed while the request was on its way
	}
	if rec := h[0].Of(p.format); rec == nil || rec.Outcome.State != invite.Claimed {
		c.errorf("%s, %s: the request has left without a claim (2): %+v", p.key.Email, p.format, rec)
	}
}

// afterCrash: no more unknowns than workers, and nothing recorded is lost (5).
func (c *simChecker) afterCrash(model *ledgertest.Model, before snapshot, workers int) {
	now := c.look(model)
	if now.dead > before.dead+workers {
		c.errorf("%d claims of dead runs after a crash, %d before it, with %d workers (5)", now.dead, before.dead, workers)
	}
	c.kept(before, now)
	c.honest(now)
}

// kept: what was invited is so still (4), and a sendlink that was unknown is so still (6).
func (c *simChecker) kept(before, now snapshot) {
	for p, was := range before.records {
		is := now.records[p].Outcome
		switch {
		case was.Outcome.State == invite.Invited && (is.State != invite.Invited || is.Link != was.Outcome.Link):
			c.errorf("%s was invited with %q and is %s with %q (4)", p.key.Email, was.Outcome.Link, is.State, is.Link)
		case was.Outcome.State == invite.Unknown && p.format == invite.SendLink && is.State != invite.Unknown:
			c.errorf("%s was unknown and is %s without a resolve (6)", p.key.Email, is.State)
		}
	}
}

// honest compares the ledger with the vendor: nobody is mailed twice, a spare link has its reason (1), and nobody is
// said not to be invited who may be.
func (c *simChecker) honest(now snapshot) {
	c.vendor.mu.Lock()
	defer c.vendor.mu.Unlock()
	for p, n := range c.vendor.acted {
		rec, known := now.records[p]
		state := rec.Outcome.State
		switch {
		case p.format == invite.SendLink && n > 1:
			c.errorf("%s was e-mailed %d times (1)", p.key.Email, n)
		case n > 1 && c.vendor.dark[p] < n-1 && c.crashes == 0:
			c.errorf("%s has %d links after %d calls in the dark (1)", p.key.Email, n, c.vendor.dark[p])
		case !known:
			c.errorf("%s was invited, and the ledger has never heard of it (2)", p.key.Email)
		case state != invite.Invited && state != invite.Unknown:
			c.errorf("%s, %s was invited, and the ledger says %s: %s", p.key.Email, p.format, state, rec.Outcome.Error)
		}
	}
	for p, rec := range now.records {
		if rec.Outcome.State == invite.Invited && c.vendor.acted[p] == 0 {
			c.errorf("the ledger says that %s is invited, and the vendor knows nothing of it", p.key.Email)
		}
	}
}

// after checks a run that came to its end: one result a row, in order, true, and counted (3).
func (c *simChecker) after(model *ledgertest.Model, before snapshot, results []invite.Result, totals pipeline.Totals) {
	now := c.look(model)
	c.kept(before, now)
	c.honest(now)
	c.lateWriters(model, now)
	if len(results) != len(c.rows) || totals.Rows != len(c.rows) {
		c.errorf("%d results, %d counted, of %d rows (3)", len(results), totals.Rows, len(c.rows))
		return
	}
	for p, rec := range now.records {
		if rec.Outcome.State == invite.Claimed {
			c.errorf("%s is claimed by a run that has ended (3)", p.key.Email)
		}
	}
	counts := map[invite.Status]int{}
	for i, r := range results {
		counts[r.Status]++
		if r.Row.Origin.Line != c.rows[i].Origin.Line {
			c.errorf("result %d is of line %d, want %d", i, r.Row.Origin.Line, c.rows[i].Origin.Line)
		}
		c.result(r, now)
	}
	if diff := cmp.Diff(counts, totals.Counts); diff != "" {
		c.errorf("the counts do not add up (3) (-results +totals):\n%s", diff)
	}
}

// result compares one result with the ledger and the vendor.
func (c *simChecker) result(r invite.Result, now snapshot) {
	p := person{r.Row.Candidate.Key, r.Row.Candidate.Format}
	rec := now.records[p]
	state := rec.Outcome.State
	switch r.Status {
	case invite.StatusInvited:
		if state != invite.Invited || r.Outcome.Link != rec.Outcome.Link {
			c.errorf("line %d says invited with %q, the ledger %s with %q", r.Row.Origin.Line, r.Outcome.Link, state, rec.Outcome.Link)
		}
	case invite.StatusRejected, invite.StatusNotSent:
		if state == invite.Invited || state == invite.Unknown {
			c.errorf("line %d says %s, the ledger %s", r.Row.Origin.Line, r.Status, state)
		}
	case invite.StatusUnknown:
		if r.Outcome.Error == "" || state == invite.Invited {
			c.errorf("line %d says unknown %q, the ledger %s", r.Row.Origin.Line, r.Outcome.Error, state)
		}
	}
}

// lateWriters: a claim that was overtaken changes nothing any more (8).
func (c *simChecker) lateWriters(model *ledgertest.Model, now snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, claim := range c.claims {
		if c.latest[person{claim.Key, claim.Format}] == claim {
			continue
		}
		_, err := model.Record(context.Background(), claim, invite.Outcome{State: invite.Invited, Link: "https://late.example.org"})
		if !errors.Is(err, invite.ErrStale) {
			c.errorf("a late write of %s: %v, want a stale claim (8)", claim.Key.Email, err)
		}
	}
	if diff := cmp.Diff(now.records, c.look(model).records); diff != "" {
		c.errorf("late writes have changed the ledger (8):\n%s", diff)
	}
}

// same: an export gives what the run gave (7).
func (c *simChecker) same(results, exported []invite.Result) {
	if diff := cmp.Diff(columns(results), columns(exported)); diff != "" {
		c.errorf("the export differs from the results (7) (-results +export):\n%s", diff)
	}
}

// columns is what a results file would show.
func columns(results []invite.Result) (shown []string) {
	for _, r := range results {
		o := r.Outcome
		shown = append(shown, fmt.Sprint(r.Row.Origin.Line, r.Status, o.Link, o.Error, r.Format, o.Expires, o.CandidateID, o.ReportID,
			o.APIStatus, o.At.Unix(), o.Attempts))
	}
	return shown
}

// windows: no stated window of 5 s or more has more requests in it than its quota (9).
func (c *simChecker) windows() {
	for _, r := range c.rates {
		for i := r.Calls; r.Per >= 5*time.Second && i < len(c.vendor.at); i++ {
			if took := c.vendor.at[i].Sub(c.vendor.at[i-r.Calls]); took < r.Per {
				c.errorf("%d requests within %s, stated is %s (9)", r.Calls+1, took, r)
				return
			}
		}
	}
}

// done: in peace everybody is reached who may be called at all.
func (c *simChecker) done(results []invite.Result) {
	c.windows()
	for _, r := range results {
		switch r.Status {
		case invite.StatusInvited, invite.StatusAlreadyInvited, invite.StatusInvalid, invite.StatusDuplicate, invite.StatusUnknown:
		case invite.StatusNotSent:
			if strings.HasPrefix(r.Outcome.Error, "has a link") {
				continue
			}
			fallthrough
		default:
			c.errorf("line %d is %s in the end: %s", r.Row.Origin.Line, r.Status, r.Outcome.Error)
		}
		if r.Status == invite.StatusUnknown && r.Format == invite.GetLink && r.Row.Candidate.Format == invite.GetLink {
			c.errorf("line %d, a getlink, is unknown in the end: %s", r.Row.Origin.Line, r.Outcome.Error)
		}
	}
}
