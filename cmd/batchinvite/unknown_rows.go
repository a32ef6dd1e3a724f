package main

import (
	"context"
	"fmt"
	"slices"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// unknownRows are the unknown records of a ledger.
type unknownRows struct {
	led    ledger.Ledger
	all    []invite.Record
	of     map[string][]invite.Record // by address, or by its digest
	purged []invite.Key               // where those are whose address only the ledger can tell
}

func readUnknown(ctx context.Context, led ledger.Ledger) (u unknownRows, err error) {
	u = unknownRows{led: led, of: map[string][]invite.Record{}}
	if u.all, err = led.Open(ctx); err != nil {
		return u, err
	}
	u.all = slices.DeleteFunc(u.all, func(rec invite.Record) bool { return rec.Outcome.State != invite.Unknown })
	for _, rec := range u.all {
		u.of[rec.Key.Email] = append(u.of[rec.Key.Email], rec)
		place := invite.Key{Campaign: rec.Key.Campaign, Assessment: rec.Key.Assessment}
		if rec.Purged && !slices.Contains(u.purged, place) {
			u.purged = append(u.purged, place)
		}
	}
	return u, nil
}

// person gives those of an address, also if its data was purged.
func (u unknownRows) person(ctx context.Context, email string) ([]invite.Record, error) {
	found, keys := slices.Clone(u.of[email]), slices.Clone(u.purged)
	if len(keys) == 0 {
		return found, nil
	}
	for i := range keys {
		keys[i].Email = email
	}
	histories, err := u.led.Lookup(ctx, keys)
	for _, h := range histories {
		for _, rec := range h.Records {
			if rec.Purged && rec.Outcome.State == invite.Unknown {
				found = append(found, rec)
			}
		}
	}
	return found, err
}

// unchanged leaves out what has changed while the question stood. A row that was sent again since then is none that
// anybody has looked up.
func unchanged(ctx context.Context, led ledger.Ledger, agreed []ruling) (rulings []ruling, left leftOut, err error) {
	unknown, err := readUnknown(ctx, led)
	if err != nil {
		return nil, left, err
	}
	for _, r := range agreed {
		same := func(rec invite.Record) bool {
			return rec.Key == r.Key && rec.Format == r.Format && rec.Run == r.rec.Run && rec.ClaimedAt.Equal(r.rec.ClaimedAt)
		}
		if slices.ContainsFunc(unknown.of[r.Key.Email], same) {
			rulings = append(rulings, r)
		} else {
			left.settled = append(left.settled, fmt.Sprintf("%s in assessment %d, %s, campaign %s: has changed since you were asked",
				invite.MaskEmail(r.Key.Email), r.Key.Assessment, r.Format, plain(r.Key.Campaign)))
		}
	}
	return rulings, left, nil
}
