package pipeline_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
)

func TestPool_firstLineOwnsAKey(t *testing.T) {
	const apart = 20_000 // more than the reorder window
	for round := range 3 {
		rows := []invite.Row{valid(2, "ann", invite.GetLink), valid(3, "ann", invite.GetLink)}
		for i := range apart {
			between := valid(len(rows)+2, fmt.Sprintf("p%d", i), invite.GetLink)
			if i%40 > 0 { // the workers have enough to do with the others
				between.Problem = &invite.Problem{Line: between.Origin.Line, Reason: "name is missing"}
			}
			rows = append(rows, between)
		}
		other := valid(len(rows)+2, "ann", invite.GetLink)
		other.Candidate.Name = "Anne"
		sameFar := valid(len(rows)+3, "ann", invite.GetLink)
		sameFar.Origin.File, sameFar.Candidate.Origin.File = 1, 1
		mailed := valid(len(rows)+4, "ann", invite.SendLink)
		rows = append(rows, other, sameFar, mailed)

		var anns atomic.Int64
		pool, out := newPool(t, rows, func(_ context.Context, c invite.Candidate, _ string) invite.Answer {
			if c.Key.Email == "ann@example.org" {
				anns.Add(1)
			}
			return invited()
		}, 64)
		totals, err := pool.Run(t.Context(), t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if anns.Load() != 1 {
			t.Fatalf("round %d: ann was invited %d times", round, anns.Load())
		}
		n := len(rows)
		for _, want := range []struct {
			at     int
			status invite.Status
			link   string
			text   string
		}{
			{0, invite.StatusInvited, "https://x.example.org", ""},
			{1, invite.StatusDuplicate, "https://x.example.org", "same person as line 2"},
			{n - 3, invite.StatusDuplicate, "", `same person as line 2, but another name: "ann" there, "Anne" here`},
			{n - 2, invite.StatusDuplicate, "https://x.example.org", "same person as line 2 of a.csv"},
			{n - 1, invite.StatusDuplicate, "", "same person as line 2, but another format: getlink there, sendlink here"},
		} {
			r := out.results[want.at]
			if r.Status != want.status || r.Outcome.Link != want.link || r.Outcome.Error != want.text {
				t.Errorf("round %d, row %d: %s %q %q, want %s %q %q", round, want.at, r.Status, r.Outcome.Link, r.Outcome.Error, want.status, want.link, want.text)
			}
		}
		if want := apart/40 + 3; totals.Reached != want {
			t.Errorf("%d rows reached, want %d: those between, ann and the two that are the same", totals.Reached, want)
		}
	}
}

func TestRepeats_countsWhatDoesNotFitTheRoomItWasGiven(t *testing.T) {
	r := pipeline.NewRepeats(1)
	for round := range 2 {
		for i := range 10_000 {
			k := invite.Key{Assessment: int64(i % 7), Email: fmt.Sprintf("p%d@example.org", i)}
			if got, want := r.Seen(k), round == 1; got != want {
				t.Fatalf("round %d, key %d: seen = %v, want %v", round, i, got, want)
			}
		}
	}
}
