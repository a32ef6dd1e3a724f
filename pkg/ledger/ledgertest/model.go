package ledgertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// ErrCrashed is the error of every call on a Model whose process has crashed.
var ErrCrashed = errors.New("the process has crashed")

// Model is a ledger in memory, for simulations: it passes the suite, has no file and no goroutine, and goes by the clock of
// the bubble that it is in. Each call is durable as a whole or without effect. It stands for one process that has the
// ledger open: Crash ends that one, Reopen is the next.
type Model struct {
	account string
	store   *modelStore
	// ended is guarded by store.mu: nil while the process lives, then the error of every call.
	ended error
}

var _ ledger.Ledger = (*Model)(nil)

// modelStore is what outlives a process.
type modelStore struct {
	mu       sync.Mutex
	accounts map[string]*modelAccount
	runs     []*modelRun // the id of each is its place, from 1
	holder   *Model
}

type modelAccount struct {
	since       time.Time
	records     map[modelPlace]*modelRecord
	campaigns   []string // that ever had a record
	buried      bool     // some record was ever purged
	turns       int
	revocations map[modelPlace]*Revocation
	revoking    map[modelPlace]time.Time // since when, for those that are claimed
	usage       map[int64]int
	audit       []Audited
	written     map[string]string
}

type modelPlace struct {
	key    invite.Key // a purged record has its digest as e-mail
	format invite.Format
}

type modelRecord struct {
	invite.Record
	fence int64
	turn  int // of its last claim among all: a fast machine makes many in a millisecond
}

type modelRun struct {
	ledger.RunRecord
	account string
}

// NewModel opens a ledger that knows nothing.
func NewModel() *Model {
	return (&modelStore{accounts: map[string]*modelAccount{}}).open(account)
}

// Crash ends the process: every later call on m fails with ErrCrashed and has no effect.
func (m *Model) Crash() {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if m.ended == nil {
		m.ended = ErrCrashed
	}
}

// Reopen opens what was durable when the process ended, which it does now if it has not yet.
func (m *Model) Reopen() *Model {
	m.Crash()
	return m.store.open(m.account)
}

// open is what a new holder of the lock does: whatever has no end is dead.
func (s *modelStore) open(account string) *Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder != nil && s.holder.ended == nil {
		panic("a model of the ledger was opened while another is open")
	}
	s.holder = &Model{account: account, store: s}
	if s.accounts[account] == nil {
		s.accounts[account] = &modelAccount{since: milli(time.Now()), records: map[modelPlace]*modelRecord{},
			revocations: map[modelPlace]*Revocation{}, revoking: map[modelPlace]time.Time{}, usage: map[int64]int{}, written: map[string]string{}}
	}
	for _, r := range s.runs {
		r.Alive = false
	}
	for _, a := range s.accounts {
		a.orphan(0)
	}
	return s.holder
}

// orphan makes unknown what a run has left open, or every run if it is 0.
func (a *modelAccount) orphan(run int64) {
	for _, r := range a.records {
		if r.Outcome.State == invite.Claimed && (run == 0 || r.Run == run) {
			a.countFromNow(r.ClaimedAt)
			r.Outcome.State, r.Outcome.Error, r.Outcome.At = invite.Unknown, ledger.DeadRun, r.ClaimedAt
		}
	}
	for _, v := range a.revocations {
		if v.State == invite.Claimed && (run == 0 || v.Run == run) {
			a.countFromNow(a.revoking[modelPlace{v.Key, v.Format}])
			v.State, v.Error = invite.Unknown, ledger.DeadRun
		}
	}
}

// do runs one call. What f changes before it gives an error stays changed, so f judges before it changes anything.
func (m *Model) do(ctx context.Context, f func(a *modelAccount) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if m.ended != nil {
		return m.ended
	}
	return f(m.store.accounts[m.account])
}

// milli is a time as a ledger keeps it.
func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Close implements ledger.Ledger.
func (m *Model) Close() error {
	return m.do(context.Background(), func(*modelAccount) error {
		m.ended = ledger.ErrClosed
		return nil
	})
}

// Start implements ledger.Ledger.
func (m *Model) Start(ctx context.Context, r ledger.Run) (id int64, err error) {
	host, err := os.Hostname()
	if err != nil {
		return 0, err
	}
	err = m.do(ctx, func(*modelAccount) error {
		id = int64(len(m.store.runs) + 1)
		r.Command = cmp.Or(r.Command, "run")
		m.store.runs = append(m.store.runs, &modelRun{account: m.account, RunRecord: ledger.RunRecord{Run: r, ID: id,
			Started: milli(time.Now()), Alive: true, Host: host, PID: os.Getpid()}})
		return nil
	})
	return id, err
}

// Finish implements ledger.Ledger.
func (m *Model) Finish(ctx context.Context, run int64, e ledger.End) error {
	return m.do(context.WithoutCancel(ctx), func(a *modelAccount) error {
		if run < 1 || run > int64(len(m.store.runs)) || m.store.runs[run-1].account != m.account {
			return fmt.Errorf("finish run %d: the model has no such run", run)
		}
		r := m.store.runs[run-1]
		r.End, r.Ended, r.Alive = e, milli(time.Now()), false
		a.orphan(run)
		return nil
	})
}

// Claim implements ledger.Ledger.
func (m *Model) Claim(ctx context.Context, run int64, c invite.Candidate, expires string, p invite.Policy) (claim invite.Claim, err error) {
	err = m.do(ctx, func(a *modelAccount) error {
		if verdict, _ := a.history(c.Key).Decide(c, p); verdict != invite.VerdictSend {
			return ledger.ErrRefused
		}
		at := modelPlace{c.Key, c.Format}
		r := a.records[at]
		if r == nil {
			r = a.add(at)
		}
		claim = invite.Claim{Key: c.Key, Format: c.Format, Run: run, Fence: r.fence + 1, At: milli(time.Now()),
			Attempts: r.Outcome.Attempts, Prior: r.Outcome.State}
		r.fence, r.turn = claim.Fence, a.next()
		r.Record = invite.Record{Key: c.Key, Format: c.Format, Name: c.Name, Email: c.Email, Fingerprint: c.Fingerprint(),
			Origin: c.Origin, Run: run, ClaimedAt: claim.At,
			Outcome: invite.Outcome{State: invite.Claimed, Expires: expires, Attempts: claim.Attempts + 1}}
		a.usage[claim.At.Unix()]++
		return nil
	})
	return claim, err
}

func (a *modelAccount) next() int {
	a.turns++
	return a.turns
}

// Record implements ledger.Ledger.
func (m *Model) Record(ctx context.Context, c invite.Claim, o invite.Outcome) (attempts int, err error) {
	if !slices.Contains([]invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Unknown}, o.State) {
		return 0, fmt.Errorf("%q is not an outcome", o.State)
	}
	err = m.do(context.WithoutCancel(ctx), func(a *modelAccount) error {
		r := a.records[modelPlace{c.Key, c.Format}]
		if r == nil || r.Run != c.Run || r.fence != c.Fence || !revisable(r.Outcome.State, o.State) {
			return ledger.ErrStale
		}
		if o.At.IsZero() {
			o.At = time.Now()
		}
		if r.Outcome.State == invite.Claimed {
			a.moveUsage(c, o)
		}
		o.At, o.Attempts = milli(o.At), r.Outcome.Attempts
		if o.NotLeft && r.Outcome.State != invite.Rejected {
			o.Attempts--
		}
		attempts, o.NotLeft = o.Attempts, false
		r.Outcome = o
		return nil
	})
	return attempts, err
}

// revisable tells whether a claim may record an outcome over the state that it finds.
func revisable(from, to invite.State) bool {
	return from == invite.Claimed || from == invite.Unknown || from == invite.Rejected && to == invite.NotSent
}

func (a *modelAccount) moveUsage(c invite.Claim, o invite.Outcome) {
	a.count(c.At, -1)
	if !o.NotLeft {
		a.count(o.At, 1)
	}
}

// countFromNow: a request without an answer may have arrived at any moment since its claim.
func (a *modelAccount) countFromNow(claimed time.Time) {
	a.count(claimed, -1)
	a.count(time.Now(), 1)
}

func (a *modelAccount) count(at time.Time, calls int) {
	if a.usage[at.Unix()] += calls; a.usage[at.Unix()] == 0 {
		delete(a.usage, at.Unix())
	}
}

// Wrote implements ledger.Ledger.
func (m *Model) Wrote(ctx context.Context, _ int64, path, hash string) error {
	return m.do(context.WithoutCancel(ctx), func(a *modelAccount) error {
		a.written[path] = hash
		return nil
	})
}
