package ledgertest

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

func TestModel_keepsThePromisesOfEveryLedger(t *testing.T) {
	Run(t, func(t *testing.T) Store {
		s := NewModel().store
		if err := s.holder.Close(); err != nil {
			t.Fatal(err)
		}
		in := func(t *testing.T, account string, f func(a *modelAccount)) {
			s.mu.Lock()
			defer s.mu.Unlock()
			f(s.accounts[account])
		}
		return Store{
			Open: func(t *testing.T, account string) ledger.Ledger { return s.open(account) },
			Put: func(t *testing.T, account string, records []invite.Record) {
				in(t, account, func(a *modelAccount) {
					for _, r := range records {
						*a.add(modelPlace{r.Key, r.Format}) = modelRecord{Record: r, fence: 1}
					}
				})
			},
			Usage: func(t *testing.T, account string) (usage map[int64]int) {
				in(t, account, func(a *modelAccount) { usage = maps.Clone(a.usage) })
				return usage
			},
			Audit: func(t *testing.T, account string) (audit []Audited) {
				in(t, account, func(a *modelAccount) { audit = slices.Clone(a.audit) })
				return audit
			},
			Revocations: func(t *testing.T, account string) (marks []Revocation) {
				in(t, account, func(a *modelAccount) {
					for _, v := range a.revocations {
						marks = append(marks, *v)
					}
				})
				return marks
			},
		}
	})
}

func TestModel_crashEndsOneProcessAndKeepsWhatWasDurable(t *testing.T) {
	first := NewModel()
	p := &process{t: t, Ledger: first}
	run, err := p.Start(t.Context(), ledger.Run{})
	if err != nil {
		t.Fatal(err)
	}
	p.run = run
	invited, inFlight := person(1, invite.SendLink), person(2, invite.SendLink)
	p.invite(invited)
	claim := p.claim(inFlight, invite.Policy{})
	first.Crash()
	for name, err := range map[string]error{
		"Record": second(p.Record(t.Context(), claim, outcome(invite.Invited))),
		"Claim":  second(p.Claim(t.Context(), run, person(3, invite.SendLink), "", invite.Policy{})),
		"Lookup": second(p.Lookup(t.Context(), []invite.Key{invited.Key})),
		"Finish": p.Finish(t.Context(), run, ledger.End{}),
		"Close":  p.Close(),
	} {
		if !errors.Is(err, ErrCrashed) {
			t.Errorf("%s after the crash = %v, want %v", name, err, ErrCrashed)
		}
	}
	p.Ledger = first.Reopen()
	for c, want := range map[*invite.Candidate]invite.State{&invited: invite.Invited, &inFlight: invite.Unknown} {
		if got := p.state(*c); got != want {
			t.Errorf("%s is %q, want %q", c.Key.Email, got, want)
		}
	}
	if got := p.state(person(3, invite.SendLink)); got != "" {
		t.Errorf("a claim after the crash left %q", got)
	}
	if _, err := first.Start(t.Context(), ledger.Run{}); !errors.Is(err, ErrCrashed) {
		t.Errorf("Start on the crashed one = %v, want %v", err, ErrCrashed)
	}
}

func second[T any](_ T, err error) error { return err }
