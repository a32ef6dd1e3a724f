package ledgertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// records gives what Records yields.
func (p *process) records(f ledger.Filter) (all []invite.Record) {
	p.t.Helper()
	if err := p.Records(p.t.Context(), f, func(r invite.Record) error {
		all = append(all, r)
		return nil
	}); err != nil {
		p.t.Fatalf("Records(%+v) = %v", f, err)
	}
	return all
}

func recordsInOrder(t *testing.T, s Store) {
	p := s.start(t)
	var all []invite.Record
	add := func(run int64, file, line int, campaign string, assessment int64, f invite.Format, state invite.State) {
		c := person(len(all), f)
		c.Key.Campaign, c.Key.Assessment, c.Origin = campaign, assessment, invite.Origin{File: file, Line: line}
		all = append(all, standing(c, run, state))
	}
	add(2, 0, 2, "spring", 4711, invite.SendLink, invite.Invited)
	add(1, 1, 2, "spring", 4711, invite.GetLink, invite.Rejected)
	add(1, 0, 11, "autumn", 4711, invite.SendLink, invite.Revoked)
	add(1, 0, 9, "spring", 4712, invite.SendLink, invite.NotSent)
	add(0, 0, 5, "autumn", 4712, invite.SendLink, invite.Unknown)
	add(2, 0, 3, "spring", 4711, invite.SendLink, invite.Claimed)
	s.Put(t, account, all)
	for _, tc := range []struct {
		filter ledger.Filter
		want   []int
	}{
		{ledger.Filter{}, []int{4, 3, 2, 1, 0, 5}},
		{ledger.Filter{Run: 1}, []int{3, 2, 1}},
		{ledger.Filter{Run: 7}, nil},
		{ledger.Filter{Campaign: "autumn"}, []int{4, 2}},
		{ledger.Filter{Assessment: 4712}, []int{4, 3}},
		{ledger.Filter{Email: "p2@example.org"}, []int{2}},
		{ledger.Filter{Email: "p99@example.org"}, nil},
		{ledger.Filter{States: []invite.State{invite.Invited, invite.Claimed}}, []int{0, 5}},
		{ledger.Filter{States: []invite.State{invite.Unknown}}, []int{4}},
		{ledger.Filter{Run: 1, Campaign: "spring", Assessment: 4711, Email: "p1@example.org",
			States: []invite.State{invite.Rejected}}, []int{1}},
	} {
		var want []invite.Record
		for _, i := range tc.want {
			want = append(want, all[i])
		}
		if diff := cmp.Diff(want, p.records(tc.filter)); diff != "" {
			t.Errorf("Records(%+v) (-want +got):\n%s", tc.filter, diff)
		}
	}
}

func recordsOfTheDead(t *testing.T, s Store) {
	first := s.start(t)
	c := person(1, invite.SendLink)
	first.claim(c, invite.Policy{})
	unknown := ledger.Filter{States: []invite.State{invite.Unknown}}
	if got := first.records(unknown); len(got) != 0 {
		t.Errorf("while the run is alive unknown are %+v, want none", got)
	}
	first.die()
	second := s.start(t)
	if diff := cmp.Diff(second.history(c.Key).Records, second.records(unknown)); diff != "" {
		t.Errorf("Lookup and Records differ (-lookup +records):\n%s", diff)
	}
	if got := second.records(ledger.Filter{States: []invite.State{invite.Claimed}}); len(got) != 0 {
		t.Errorf("after its death claimed are %+v, want none", got)
	}
}

func yieldEndsRecords(t *testing.T, s Store) {
	p := s.start(t)
	for i := range 3 {
		p.claim(person(i, invite.SendLink), invite.Policy{})
	}
	full, calls := errors.New("disk full"), 0
	err := p.Records(t.Context(), ledger.Filter{}, func(invite.Record) error {
		calls++
		return full
	})
	if err != full || calls != 1 { //nolint:errorlint // the very error, as it is
		t.Errorf("Records = %v after %d calls, want %v after 1", err, calls, full)
	}
	if err := p.Records(done(t), ledger.Filter{}, func(invite.Record) error { return nil }); err == nil {
		t.Error("Records with a done context = nil, want an error")
	}
}

func (p *process) runs(limit int) []ledger.RunRecord {
	p.t.Helper()
	runs, err := p.Runs(p.t.Context(), limit)
	if err != nil {
		p.t.Fatalf("Runs(%d) = %v", limit, err)
	}
	return runs
}

func runsLatestFirst(t *testing.T, s Store) {
	begin := time.Now().Truncate(time.Millisecond)
	p := s.start(t)
	revoke := ledger.Run{Command: "revoke", Who: "bob@host", Campaign: "autumn", Settings: json.RawMessage(`{"rate":"2/s"}`),
		Files: []ledger.File{{Name: "a.csv", Hash: "00"}, {Name: "b.csv", Hash: "11"}}}
	second, err := p.Start(t.Context(), revoke)
	if err != nil {
		t.Fatalf("Start = %v", err)
	}
	end := ledger.End{Reason: "vendor down; interrupted", Cause: "vendor down", Closed: map[int64]string{7: "forbidden"},
		Counts: map[invite.Status]int{invite.StatusInvited: 3, invite.StatusNotSent: 2}}
	if err := p.Finish(t.Context(), p.run, end); err != nil {
		t.Fatalf("Finish = %v", err)
	}
	want := []ledger.RunRecord{
		{ID: second, Run: revoke, Alive: true},
		{ID: p.run, End: end, Run: ledger.Run{Command: "run", Who: "ann", Campaign: "spring",
			Files: []ledger.File{{Name: "a.csv", Hash: "00"}}}},
	}
	got := p.runs(0)
	for i := range got {
		r := &got[i]
		if r.Started.Before(begin) || r.Started.After(time.Now()) || r.Host == "" || r.PID != os.Getpid() {
			t.Errorf("run %d started %s on %q as process %d", r.ID, r.Started, r.Host, r.PID)
		}
		if ended := r.ID == p.run; ended == r.Ended.IsZero() || ended && r.Ended.Before(r.Started) {
			t.Errorf("run %d ended %s", r.ID, r.Ended)
		}
		r.Started, r.Ended, r.Host, r.PID = time.Time{}, time.Time{}, "", 0
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Runs (-want +got):\n%s", diff)
	}
	if got := p.runs(1); len(got) != 1 || got[0].ID != second {
		t.Errorf("Runs(1) = %+v, want run %d", got, second)
	}
}

func runsAlive(t *testing.T, s Store) {
	first := s.start(t)
	first.die()
	second := s.start(t)
	got := ""
	for _, r := range second.runs(0) {
		got += fmt.Sprintf("run %d alive %t ended %t; ", r.ID, r.Alive, !r.Ended.IsZero())
	}
	want := fmt.Sprintf("run %d alive true ended false; run %d alive false ended false; ", second.run, first.run)
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
