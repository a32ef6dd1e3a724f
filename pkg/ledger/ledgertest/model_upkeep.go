package ledgertest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// note writes to the audit.
func (a *modelAccount) note(action, who, why string, r *invite.Record, link string) {
	entry := Audited{Action: action, At: milli(time.Now()), Resolution: ledger.Resolution{Who: who, Why: why}}
	if r != nil {
		entry.Resolution.Key, entry.Resolution.Format, entry.Resolution.State = r.Key, r.Format, r.Outcome.State
		if !r.Purged {
			entry.Resolution.Link = link
		}
	}
	a.audit = append(a.audit, entry)
}

// Resolve implements ledger.Ledger.
func (m *Model) Resolve(ctx context.Context, s ledger.Resolution) error {
	if s.State != invite.Invited && s.State != invite.NotSent {
		return fmt.Errorf("an unknown record can't be settled as %q", s.State)
	}
	return m.do(ctx, func(a *modelAccount) error {
		r := a.of(s.Key, s.Format)
		if r == nil || r.Outcome.State != invite.Unknown {
			return ledger.ErrRefused
		}
		o := &r.Outcome
		o.State, o.Link, o.Error, o.At = s.State, s.Link, "", milli(time.Now())
		if s.State == invite.NotSent {
			o.Error = fmt.Sprintf("settled as not sent by %s: %s", s.Who, s.Why)
		}
		if r.Purged {
			o.Link = ""
		}
		if r.Purged && s.State == invite.NotSent {
			delete(a.records, modelPlace{r.Key, r.Format})
		}
		a.note("resolve", s.Who, s.Why, &r.Record, s.Link)
		return nil
	})
}

// Import implements ledger.Ledger.
func (m *Model) Import(ctx context.Context, people []ledger.Imported, who, why string) (verdicts []ledger.Import, err error) {
	for _, p := range people {
		if err := p.Validate(); err != nil {
			return nil, err
		}
	}
	err = m.do(ctx, func(a *modelAccount) error {
		for _, p := range people {
			verdicts = append(verdicts, a.take(p, who, why))
		}
		return nil
	})
	return verdicts, err
}

func (a *modelAccount) take(p ledger.Imported, who, why string) ledger.Import {
	now := milli(time.Now())
	r := a.of(p.Candidate.Key, p.Candidate.Format)
	var own *invite.Record
	if r != nil {
		own = &r.Record
	}
	verdict, written := p.Judge(own, now)
	if written == nil {
		return verdict
	}
	written.ClaimedAt, written.Outcome.At = milli(written.ClaimedAt), milli(written.Outcome.At)
	if r == nil {
		r = a.add(modelPlace{written.Key, written.Format})
	}
	r.Record, r.fence, r.turn = *written, r.fence+1, a.next()
	a.note("import", who, why, written, written.Outcome.Link)
	return verdict
}

// Purge implements ledger.Ledger.
func (m *Model) Purge(ctx context.Context, p ledger.Purge) (purged ledger.Purged, err error) {
	if err := p.Validate(); err != nil {
		return ledger.Purged{}, err
	}
	err = m.do(ctx, func(a *modelAccount) error {
		for _, r := range a.sorted() {
			a.purge(p, modelPlace{r.Key, r.Format}, &purged)
		}
		a.forgetRest()
		action := "purge"
		if p.Forget {
			action = "forget"
		}
		if purged.Tombstones+purged.Deleted > 0 {
			a.note(action, p.Who, p.Why, nil, "")
		}
		return nil
	})
	return purged, err
}

// purge decides about one record.
func (a *modelAccount) purge(p ledger.Purge, at modelPlace, purged *ledger.Purged) {
	r := a.records[at]
	state := r.Outcome.State
	switch {
	case !p.Before.IsZero() && (!r.ClaimedAt.Before(p.Before) || !r.Outcome.At.Before(p.Before)),
		!fits(ledger.Filter{Email: p.Email}, r.Record),
		r.Purged && !p.Forget:
	case state == invite.Claimed, state == invite.Unknown && p.Email == "" && !p.Forget:
		purged.Kept++
	case p.Forget, state == invite.Rejected, state == invite.NotSent:
		delete(a.records, at)
		purged.Deleted++
	default:
		delete(a.records, at)
		at.key.Email = modelDigest(at.key.Email)
		o := r.Outcome
		r.Record = invite.Record{Key: at.key, Format: r.Format, Run: r.Run, ClaimedAt: r.ClaimedAt, Purged: true,
			Outcome: invite.Outcome{State: o.State, Expires: o.Expires, At: o.At, Attempts: o.Attempts, Already: o.Already}}
		a.records[at], a.buried = r, true
		purged.Tombstones++
	}
}

// forgetRest clears what names people whom the records no longer name.
func (a *modelAccount) forgetRest() {
	for i := range a.audit {
		e := &a.audit[i].Resolution
		if e.Key.Email == "" || a.records[modelPlace{e.Key, e.Format}] != nil {
			continue
		}
		r := a.of(e.Key, e.Format)
		e.Why, e.Link, e.Key.Email = "", "", ""
		if r != nil {
			e.Key = r.Key
		}
	}
	for at, v := range a.revocations {
		if a.records[at] != nil {
			continue
		}
		delete(a.revocations, at)
		if r := a.of(at.key, at.format); r != nil {
			v.Key, v.Error = r.Key, ""
			a.revocations[modelPlace{r.Key, r.Format}] = v
		}
	}
	for second := range a.usage {
		if second < time.Now().Add(-ledger.UsageKept).Unix() {
			delete(a.usage, second)
		}
	}
}

// ClaimRevoke implements ledger.Ledger.
func (m *Model) ClaimRevoke(ctx context.Context, run int64, key invite.Key, f invite.Format) (claim invite.Claim, err error) {
	err = m.do(ctx, func(a *modelAccount) error {
		at := modelPlace{key, f}
		r, v := a.records[at], a.revocations[at]
		if r == nil || r.Outcome.State != invite.Invited || r.Outcome.ReportID == "" || v != nil && v.State == invite.Claimed {
			return ledger.ErrRefused
		}
		claim = invite.Claim{Key: key, Format: f, Run: run, Fence: 1, At: milli(time.Now()), Prior: invite.Invited}
		if v != nil {
			claim.Fence = v.Fence + 1
		}
		a.revocations[at] = &Revocation{Key: key, Format: f, Run: run, Fence: claim.Fence, State: invite.Claimed}
		a.revoking[at] = claim.At
		a.count(claim.At, 1)
		return nil
	})
	return claim, err
}

// RecordRevoke implements ledger.Ledger.
func (m *Model) RecordRevoke(ctx context.Context, c invite.Claim, o invite.Outcome) error {
	if !slices.Contains([]invite.State{invite.Revoked, invite.Rejected, invite.NotSent, invite.Unknown}, o.State) {
		return fmt.Errorf("%q is not an outcome of revoking", o.State)
	}
	return m.do(context.WithoutCancel(ctx), func(a *modelAccount) error {
		at := modelPlace{c.Key, c.Format}
		v := a.revocations[at]
		if v == nil || v.Run != c.Run || v.Fence != c.Fence || v.State != invite.Claimed && v.State != invite.Unknown {
			return ledger.ErrStale
		}
		if o.At.IsZero() {
			o.At = time.Now()
		}
		if v.State == invite.Claimed {
			a.moveUsage(c, o)
		}
		v.State, v.Error = o.State, o.Error
		if r := a.records[at]; o.State == invite.Revoked {
			r.Outcome.State, r.Outcome.APIStatus, r.Outcome.Error, r.Outcome.At = o.State, o.APIStatus, o.Error, milli(o.At)
			a.note("revoke", m.store.runs[c.Run-1].Who, fmt.Sprintf("run %d", c.Run), &r.Record, "")
		}
		return nil
	})
}
