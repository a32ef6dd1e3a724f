package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"slices"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

//go:embed import.sql
var importSQL string

// Import implements ledger.Ledger. It reads, judges and writes: in the only writing transaction nobody comes in between.
func (l *Ledger) Import(ctx context.Context, people []ledger.Imported, who, why string) ([]ledger.Import, error) {
	for _, p := range people {
		if err := p.Validate(); err != nil {
			return nil, err
		}
	}
	verdicts := make([]ledger.Import, len(people))
	err := l.do(ctx, func(w *writer) (err error) {
		lookup, err := w.conn.PrepareContext(background, lookupSQL)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lookup.Close()) }()
		now := l.now().UTC().Truncate(time.Millisecond)
		for i, p := range people {
			if verdicts[i], err = w.take(lookup, p, now, who, why); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return verdicts, nil
}

// take imports one person.
func (w *writer) take(lookup *sql.Stmt, p ledger.Imported, now time.Time, who, why string) (ledger.Import, error) {
	h, err := history(lookup, w.account, p.Candidate.Key, w.digest, false)
	if err != nil {
		return "", err
	}
	verdict, r := p.Judge(h.Of(p.Candidate.Format), now)
	if r == nil {
		return verdict, nil
	}
	if r.Purged {
		r.Key.Email = w.digest.of(r.Key.Email)
	}
	if err := w.putImported(r); err != nil {
		return "", err
	}
	return verdict, w.audit(entry{now: now.UnixMilli(), action: "import", who: who, why: why, key: r.Key, format: r.Format,
		state: r.Outcome.State, link: r.Outcome.Link})
}

func (w *writer) putImported(r *invite.Record) error {
	campaign, err := w.campaign(r.Key.Campaign)
	if err != nil {
		return err
	}
	o := r.Outcome
	_, err = w.conn.ExecContext(background, importSQL, w.account, r.Key.Assessment, r.Key.Email, campaign,
		slices.Index(formats, r.Format), r.Name, r.Email, []byte(r.Fingerprint), slices.Index(states, o.State),
		millis(r.ClaimedAt), r.Origin.File, r.Origin.Line, o.Link, o.CandidateID, o.ReportID, o.Error, o.Expires, millis(o.At))
	return err
}

// entry is one line of the audit.
type entry struct {
	now              int64
	action, who, why string
	key              invite.Key
	format           invite.Format
	state            invite.State
	link             string
}

// audit keeps no link beside a digest: it would tell whom it is about.
func (w *writer) audit(e entry) error {
	if isDigest(e.key.Email) {
		e.link = ""
	}
	_, err := w.conn.ExecContext(background, `INSERT INTO audit
		(account, at, action, who, why, campaign, assessment, email, format, state, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.account, e.now, e.action, e.who, e.why, e.key.Campaign, e.key.Assessment, e.key.Email,
		slices.Index(formats, e.format), slices.Index(states, e.state), e.link)
	return err
}
