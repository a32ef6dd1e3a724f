package ledgertest

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

func lookupKeepsOrder(t *testing.T, s Store) {
	p := s.start(t)
	const n = 3000
	keys := make([]invite.Key, n)
	for i := range keys {
		keys[i] = person(n-i, invite.GetLink).Key // backwards, so that the order of the store would show
	}
	var records []invite.Record
	for i := range n / 2 {
		records = append(records, standing(person(2*i, invite.GetLink), p.run, invite.Invited))
	}
	s.Put(t, account, records)
	for i, h := range p.histories(keys) {
		known := (n-i)%2 == 0 && n-i < n
		switch {
		case known && (len(h.Records) != 1 || h.Records[0].Key != keys[i]):
			t.Fatalf("history %d is %+v, want one record of %s", i, h, keys[i].Email)
		case !known && len(h.Records) != 0:
			t.Fatalf("history %d is %+v, want none for %s", i, h, keys[i].Email)
		}
	}
}

func lookupNamesCampaigns(t *testing.T, s Store) {
	p := s.start(t)
	var records []invite.Record
	add := func(campaign string, f invite.Format, state invite.State) {
		c := person(1, f)
		c.Key.Campaign = campaign
		records = append(records, standing(c, p.run, state))
	}
	add("winter", invite.SendLink, invite.Invited)
	add("summer", invite.GetLink, invite.Unknown)
	add("autumn", invite.GetLink, invite.Claimed)
	add("autumn", invite.SendLink, invite.Invited)
	add("lost", invite.SendLink, invite.Rejected)
	add("taken back", invite.SendLink, invite.Revoked)
	add("held back", invite.SendLink, invite.NotSent)
	add("spring", invite.SendLink, invite.Invited)
	s.Put(t, account, records)
	other := person(1, invite.SendLink)
	other.Key.Assessment, other.Key.Campaign = 1, "another assessment"
	p.claim(other, invite.Policy{})

	h := p.history(person(1, invite.SendLink).Key)
	if diff := cmp.Diff([]string{"autumn", "summer", "winter"}, h.Elsewhere); diff != "" {
		t.Errorf("Elsewhere (-want +got):\n%s", diff)
	}
	if len(h.Records) != 1 || h.Records[0].Key.Campaign != "spring" {
		t.Errorf("Records = %+v, want the one of this campaign", h.Records)
	}
}

func openListsInOrder(t *testing.T, s Store) {
	first := s.start(t)
	a, b := person(9, invite.GetLink), person(5, invite.SendLink)
	first.claim(a, invite.Policy{})
	first.record(first.claim(person(7, invite.SendLink), invite.Policy{}), outcome(invite.Invited))
	first.record(first.claim(b, invite.Policy{}), outcome(invite.Unknown))
	first.die()
	second := s.start(t)
	c := person(1, invite.SendLink)
	second.claim(c, invite.Policy{})

	open, err := second.Open(t.Context())
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	var got []string
	for _, r := range open {
		got = append(got, fmt.Sprintf("%s %s %s", r.Key.Email, r.Format, r.Outcome.State))
	}
	want := []string{"p9@example.org getlink unknown", "p5@example.org sendlink unknown", "p1@example.org sendlink claimed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Open (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(second.history(b.Key).Records, open[1:2]); diff != "" {
		t.Errorf("Lookup and Open differ (-lookup +open):\n%s", diff)
	}
}

func factsCount(t *testing.T, s Store) {
	start := time.Now().Truncate(time.Millisecond)
	p := s.start(t)
	i := 0
	add := func(campaign string, state invite.State, n int) {
		for range n {
			i++
			c := person(i, invite.SendLink)
			c.Key.Campaign = campaign
			if claim := p.claim(c, invite.Policy{}); state != invite.Claimed {
				p.record(claim, outcome(state))
			}
		}
	}
	add("winter", invite.Invited, 3)
	add("autumn", invite.Invited, 2)
	add("winter", invite.Rejected, 1)
	add("winter", invite.Claimed, 2)
	check := func(want map[invite.State]int) {
		t.Helper()
		facts, err := p.Facts(t.Context())
		if err != nil {
			t.Fatalf("Facts = %v", err)
		}
		if facts.Since.Before(start) || facts.Since.After(time.Now()) {
			t.Errorf("Since = %s, want between %s and now", facts.Since, start)
		}
		if diff := cmp.Diff(want, facts.States); diff != "" {
			t.Errorf("States (-want +got):\n%s", diff)
		}
		sum, names := map[invite.State]int{}, []string{}
		for _, c := range facts.Campaigns {
			names = append(names, c.Name)
			for s, n := range c.States {
				sum[s] += n
			}
		}
		if diff := cmp.Diff([]string{"autumn", "winter"}, names); diff != "" {
			t.Errorf("Campaigns (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, sum); diff != "" {
			t.Errorf("States of all campaigns (-want +got):\n%s", diff)
		}
		if host, err := os.Hostname(); err != nil || facts.LastHost != host {
			t.Errorf("LastHost = %q, want that of the last run, %q, %v", facts.LastHost, host, err)
		}
	}
	check(map[invite.State]int{invite.Invited: 5, invite.Rejected: 1, invite.Claimed: 2})
	p.die()
	p = s.start(t)
	check(map[invite.State]int{invite.Invited: 5, invite.Rejected: 1, invite.Unknown: 2})
}

func usedKnowsAssessments(t *testing.T, s Store) {
	p := s.start(t)
	p.claim(person(1, invite.SendLink), invite.Policy{})
	for assessment, want := range map[int64]bool{4711: true, 4712: false} {
		if got, err := p.Used(t.Context(), assessment); err != nil || got != want {
			t.Errorf("Used(%d) = %t, %v, want %t", assessment, got, err, want)
		}
	}
}

func writtenGivesLastHash(t *testing.T, s Store) {
	p := s.start(t)
	for _, hash := range []string{"", "aa", "bb"} {
		if hash != "" {
			if err := p.Wrote(t.Context(), p.run, "/tmp/out.csv", hash); err != nil {
				t.Fatalf("Wrote = %v", err)
			}
		}
		if got, err := p.Written(t.Context(), "/tmp/out.csv"); err != nil || got != hash {
			t.Errorf("Written = %q, %v, want %q", got, err, hash)
		}
	}
	if got, err := p.Written(t.Context(), "/tmp/other.csv"); err != nil || got != "" {
		t.Errorf("Written of another path = %q, %v, want none", got, err)
	}
}

func accountsAreApart(t *testing.T, s Store) {
	p := s.start(t)
	c := person(1, invite.SendLink)
	p.record(p.claim(c, invite.Policy{}), outcome(invite.Unknown))
	if err := p.Wrote(t.Context(), p.run, "/tmp/out.csv", "aa"); err != nil {
		t.Fatalf("Wrote = %v", err)
	}
	p.die()

	other := &process{t: t, Ledger: s.Open(t, "vendor.example/second")}
	t.Cleanup(other.die)
	if got := other.state(c); got != "" {
		t.Errorf("the other account has the record as %q, want none", got)
	}
	if err := other.Resolve(t.Context(), resolution(c, invite.Invited)); !errors.Is(err, ledger.ErrRefused) {
		t.Errorf("Resolve by the other account = %v, want %v", err, ledger.ErrRefused)
	}
	facts, err := other.Facts(t.Context())
	if err != nil || len(facts.States) != 0 || len(facts.Campaigns) != 0 {
		t.Errorf("Facts of the other account = %+v, %v, want nothing", facts, err)
	}
	if open, err := other.Open(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("Open of the other account = %+v, %v, want nothing", open, err)
	}
	if used, err := other.Used(t.Context(), c.Key.Assessment); err != nil || used {
		t.Errorf("Used of the other account = %t, %v, want false", used, err)
	}
	if hash, err := other.Written(t.Context(), "/tmp/out.csv"); err != nil || hash != "" {
		t.Errorf("Written of the other account = %q, %v, want none", hash, err)
	}
	other.claim(c, invite.Policy{})
}

// Many workers share transactions, in which some claims are refused and some outcomes stale.
func workersLoseNothing(t *testing.T, s Store) {
	p := s.start(t)
	const n = 640
	states := []invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Unknown}
	each(n, func(i int) {
		claim, err := p.Claim(t.Context(), p.run, person(i, invite.SendLink), "", invite.Policy{})
		if err != nil {
			t.Errorf("Claim = %v", err)
		}
		if _, err := p.Claim(t.Context(), p.run, person(i, invite.SendLink), "", invite.Policy{}); !errors.Is(err, ledger.ErrRefused) {
			t.Errorf("second Claim = %v, want %v", err, ledger.ErrRefused)
		}
		stale := claim
		stale.Fence++
		if _, err := p.Record(t.Context(), stale, outcome(invite.Invited)); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("Record of a stale claim = %v, want %v", err, ledger.ErrStale)
		}
		o := outcome(states[i%4])
		o.Link = fmt.Sprint(i)
		if attempts, err := p.Record(t.Context(), claim, o); err != nil || attempts != 1 {
			t.Errorf("Record = %d, %v, want 1 attempt", attempts, err)
		}
	})
	p.die()

	p = s.start(t)
	keys := make([]invite.Key, n)
	for i := range keys {
		keys[i] = person(i, invite.SendLink).Key
	}
	for i, h := range p.histories(keys) {
		if len(h.Records) != 1 || h.Records[0].Outcome.State != states[i%4] || h.Records[0].Outcome.Link != fmt.Sprint(i) {
			t.Fatalf("history of %s is %+v, want %s with link %d", keys[i].Email, h, states[i%4], i)
		}
	}
	if diff := cmp.Diff(map[int64]int{answered.Unix(): n}, s.Usage(t, account)); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

func usageInOrder(t *testing.T, s Store) {
	p := s.start(t)
	var want []ledger.Usage
	for i, ago := range []int{30, 20, 10, 40} {
		o := outcome(invite.Invited)
		o.At = answered.Add(-time.Duration(ago) * time.Second)
		p.record(p.claim(person(i, invite.SendLink), invite.Policy{}), o)
	}
	for _, ago := range []int{30, 20, 10} {
		want = append(want, ledger.Usage{Second: answered.Add(-time.Duration(ago) * time.Second).Truncate(time.Second), Calls: 1})
	}
	back := outcome(invite.NotSent)
	back.NotLeft = true
	p.record(p.claim(person(9, invite.SendLink), invite.Policy{}), back)
	got, err := p.Usage(t.Context(), answered.Add(-30*time.Second))
	if err != nil {
		t.Fatalf("Usage = %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Usage (-want +got):\n%s", diff)
	}
}
