package ledgertest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// modelDigest needs no secret: nothing of a model is ever stored.
func modelDigest(email string) string {
	sum := sha256.Sum256([]byte(email))
	return "#" + hex.EncodeToString(sum[:])
}

// of gives the record of a key and format under its address or its digest, nil if there is none.
func (a *modelAccount) of(key invite.Key, f invite.Format) *modelRecord {
	if r := a.records[modelPlace{key, f}]; r != nil {
		return r
	}
	key.Email = modelDigest(key.Email)
	return a.records[modelPlace{key, f}]
}

// history asks for each campaign and format instead of going through all records, which would make a simulation's time
// grow with the square of its people.
func (a *modelAccount) history(key invite.Key) (h invite.History) {
	emails := []string{key.Email}
	if a.buried {
		emails = append(emails, modelDigest(key.Email))
	}
	for _, email := range emails {
		for _, campaign := range a.campaigns {
			for _, f := range []invite.Format{invite.GetLink, invite.SendLink} {
				r := a.records[modelPlace{invite.Key{Campaign: campaign, Assessment: key.Assessment, Email: email}, f}]
				switch {
				case r == nil:
				case campaign == key.Campaign:
					own := r.Record
					own.Key = key
					h.Records = append(h.Records, own)
				case slices.Contains([]invite.State{invite.Claimed, invite.Unknown, invite.Invited}, r.Outcome.State):
					h.Elsewhere = append(h.Elsewhere, campaign)
				}
			}
		}
	}
	slices.Sort(h.Elsewhere)
	h.Elsewhere = slices.Compact(h.Elsewhere)
	return h
}

// add makes room for a record.
func (a *modelAccount) add(at modelPlace) *modelRecord {
	if !slices.Contains(a.campaigns, at.key.Campaign) {
		a.campaigns = append(a.campaigns, at.key.Campaign)
	}
	r := &modelRecord{}
	a.records[at] = r
	return r
}

// sorted gives all records in the order of Records.
func (a *modelAccount) sorted() []invite.Record {
	all := make([]invite.Record, 0, len(a.records))
	for _, r := range a.records {
		all = append(all, r.Record)
	}
	slices.SortFunc(all, func(x, y invite.Record) int {
		return cmp.Or(cmp.Compare(x.Run, y.Run), cmp.Compare(x.Origin.File, y.Origin.File), cmp.Compare(x.Origin.Line, y.Origin.Line),
			strings.Compare(x.Key.Email, y.Key.Email), cmp.Compare(x.Key.Assessment, y.Key.Assessment),
			strings.Compare(x.Key.Campaign, y.Key.Campaign), strings.Compare(string(x.Format), string(y.Format)))
	})
	return all
}

// Lookup implements ledger.Ledger.
func (m *Model) Lookup(ctx context.Context, keys []invite.Key) (histories []invite.History, err error) {
	err = m.do(ctx, func(a *modelAccount) error {
		for _, key := range keys {
			histories = append(histories, a.history(key))
		}
		return nil
	})
	return histories, err
}

// Records implements ledger.Ledger.
func (m *Model) Records(ctx context.Context, f ledger.Filter, yield func(invite.Record) error) error {
	var all []invite.Record
	if err := m.do(ctx, func(a *modelAccount) error {
		all = a.sorted()
		return nil
	}); err != nil {
		return err
	}
	for _, r := range all {
		if !fits(f, r) {
			continue
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func fits(f ledger.Filter, r invite.Record) bool {
	return (f.Run == 0 || f.Run == r.Run) && (f.Campaign == "" || f.Campaign == r.Key.Campaign) &&
		(f.Assessment == 0 || f.Assessment == r.Key.Assessment) &&
		(f.Email == "" || f.Email == r.Key.Email || modelDigest(f.Email) == r.Key.Email) &&
		(len(f.States) == 0 || slices.Contains(f.States, r.Outcome.State))
}

// Open implements ledger.Ledger.
func (m *Model) Open(ctx context.Context) (open []invite.Record, err error) {
	err = m.do(ctx, func(a *modelAccount) error {
		var found []*modelRecord
		for _, r := range a.records {
			if r.Outcome.State == invite.Claimed || r.Outcome.State == invite.Unknown {
				found = append(found, r)
			}
		}
		slices.SortFunc(found, func(x, y *modelRecord) int { return cmp.Or(x.ClaimedAt.Compare(y.ClaimedAt), x.turn-y.turn) })
		for _, r := range found {
			open = append(open, r.Record)
		}
		return nil
	})
	return open, err
}

// Runs implements ledger.Ledger.
func (m *Model) Runs(ctx context.Context, limit int) (runs []ledger.RunRecord, err error) {
	err = m.do(ctx, func(*modelAccount) error {
		for _, r := range slices.Backward(m.store.runs) {
			if r.account == m.account && (limit == 0 || len(runs) < limit) {
				runs = append(runs, r.RunRecord)
			}
		}
		return nil
	})
	return runs, err
}

// Facts implements ledger.Ledger.
func (m *Model) Facts(ctx context.Context) (f ledger.Facts, err error) {
	f.States = map[invite.State]int{}
	err = m.do(ctx, func(a *modelAccount) error {
		f.Since = a.since
		if runs := m.store.runs; len(runs) > 0 {
			f.LastHost = runs[len(runs)-1].Host
		}
		for _, r := range a.records {
			f.States[r.Outcome.State]++
			i := slices.IndexFunc(f.Campaigns, func(c ledger.Campaign) bool { return c.Name == r.Key.Campaign })
			if i < 0 {
				i = len(f.Campaigns)
				f.Campaigns = append(f.Campaigns, ledger.Campaign{Name: r.Key.Campaign, States: map[invite.State]int{}})
			}
			f.Campaigns[i].States[r.Outcome.State]++
		}
		slices.SortFunc(f.Campaigns, func(a, b ledger.Campaign) int { return cmp.Compare(a.Name, b.Name) })
		return nil
	})
	return f, err
}

// Used implements ledger.Ledger.
func (m *Model) Used(ctx context.Context, assessment int64) (used bool, err error) {
	err = m.Records(ctx, ledger.Filter{Assessment: assessment}, func(invite.Record) error {
		used = true
		return nil
	})
	return used, err
}

// Usage implements ledger.Ledger.
func (m *Model) Usage(ctx context.Context, since time.Time) (usage []ledger.Usage, err error) {
	err = m.do(ctx, func(a *modelAccount) error {
		for _, second := range slices.Sorted(maps.Keys(a.usage)) {
			if second >= since.Unix() {
				usage = append(usage, ledger.Usage{Second: time.Unix(second, 0).UTC(), Calls: a.usage[second]})
			}
		}
		return nil
	})
	return usage, err
}

// Written implements ledger.Ledger.
func (m *Model) Written(ctx context.Context, path string) (hash string, err error) {
	err = m.do(ctx, func(a *modelAccount) error {
		hash = a.written[path]
		return nil
	})
	return hash, err
}
