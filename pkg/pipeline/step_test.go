package pipeline_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openRun gives a new ledger with a run begun in it.
func openRun(t *testing.T) (*sqlite.Ledger, int64) {
	t.Helper()
	led, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), "example.org/default",
		sqlite.Options{Mode: sqlite.Create, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := led.Start(t.Context(), ledger.Run{Campaign: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return led, run
}

func candidate(name string, f invite.Format) invite.Candidate {
	email := name + "@example.org"
	return invite.Candidate{
		Key:  invite.Key{Campaign: "default", Assessment: 4711, Email: email},
		Name: name, Email: email, Format: f, Origin: invite.Origin{Line: 2},
	}
}

// Answers of the vendor, as package api classifies them.
func invited() invite.Answer {
	return invite.Answer{Class: invite.ClassAnswered, Outcome: invite.Outcome{State: invite.Invited, Link: "https://x.example.org", At: time.Now()}}
}

func refused(retry bool) invite.Answer {
	return invite.Answer{Class: invite.ClassRefused, Retry: retry, Outcome: invite.Outcome{State: invite.NotSent, Error: "refused"}}
}

func unreachable() invite.Answer {
	return invite.Answer{Class: invite.ClassNotSent, Retry: true, Outcome: invite.Outcome{State: invite.NotSent, Error: "unreachable", NotLeft: true}}
}

func ambiguous(f invite.Format) invite.Answer {
	return invite.Answer{Class: invite.ClassAmbiguous, Retry: f == invite.GetLink, Outcome: invite.Outcome{State: invite.Unknown, Error: "broke"}}
}

func throttled(after time.Duration) invite.Answer {
	return invite.Answer{Class: invite.ClassRefused, Retry: true, Free: true, Throttled: true, Pause: after,
		Outcome: invite.Outcome{State: invite.NotSent, Error: "429"}}
}

// script answers the calls in order, the last answer for ever.
func script(calls *atomic.Int64, answers ...func() invite.Answer) invite.Call {
	return func(context.Context, invite.Candidate, string) invite.Answer {
		n := int(calls.Add(1))
		return answers[min(n, len(answers))-1]()
	}
}

var rejectedAnswer = invite.Answer{Class: invite.ClassAnswered, Outcome: invite.Outcome{State: invite.Rejected, Error: "already invited"}}

func always(a invite.Answer) func() invite.Answer { return func() invite.Answer { return a } }

type stepTest struct {
	t       *testing.T
	step    *pipeline.Step
	led     *sqlite.Ledger
	calls   atomic.Int64
	mu      sync.Mutex
	stopped *invite.Stop
	take    context.Context
	stop    context.CancelCauseFunc
}

// newStepTest must be called within a bubble: its backoffs are the longest ones.
func newStepTest(t *testing.T, answers ...func() invite.Answer) *stepTest {
	st := &stepTest{t: t}
	st.take, st.stop = context.WithCancelCause(t.Context())
	led, run := openRun(t)
	st.led = led
	st.step = &pipeline.Step{
		Ledger: led, Run: run, GiveUp: 15 * time.Minute, Gate: pipeline.NewGate(8, 10, 15*time.Minute),
		Pace:   pace.New([]pace.Rate{{Calls: 1000, Per: time.Second}}, time.Minute),
		Call:   script(&st.calls, answers...),
		Jitter: func(d time.Duration) time.Duration { return d },
		Called: func(invite.Candidate, invite.Answer, time.Duration) {},
		Lost:   func(invite.Candidate, invite.Outcome, error) {},
		Stop: func(s *invite.Stop) {
			st.mu.Lock()
			defer st.mu.Unlock()
			st.stopped = s
			st.stop(s)
		},
	}
	return st
}

func (st *stepTest) do(c invite.Candidate) invite.Result {
	st.t.Helper()
	var results []invite.Result
	err := st.step.Do(st.take, st.t.Context(), c, invite.History{}, func(r invite.Result) {
		results = append(results, r)
	})
	if err != nil {
		st.t.Fatal(err)
	}
	if len(results) != 1 {
		st.t.Fatalf("%d results of one row", len(results))
	}
	return results[0]
}

// state is what the ledger holds.
func (st *stepTest) state(c invite.Candidate) invite.State {
	st.t.Helper()
	h, err := st.led.Lookup(context.Background(), []invite.Key{c.Key})
	if err != nil {
		st.t.Fatal(err)
	}
	if rec := h[0].Of(c.Format); rec != nil {
		return rec.Outcome.State
	}
	return ""
}

func (st *stepTest) close() {
	if err := st.led.Close(); err != nil {
		st.t.Error(err)
	}
}

func TestStep_budgets(t *testing.T) {
	for _, tt := range []struct {
		name    string
		format  invite.Format
		answers []func() invite.Answer
		calls   int64
		status  invite.Status
		state   invite.State
	}{
		{"a safe failure is tried eight times", invite.SendLink, []func() invite.Answer{always(refused(true))}, 8, invite.StatusNotSent, invite.NotSent},
		{"a final refusal is not tried again", invite.SendLink, []func() invite.Answer{always(refused(false))}, 1, invite.StatusNotSent, invite.NotSent},
		{"an ambiguous getlink is called three times", invite.GetLink, []func() invite.Answer{always(ambiguous(invite.GetLink))}, 3, invite.StatusUnknown, invite.Unknown},
		{"an ambiguous sendlink is never called again", invite.SendLink, []func() invite.Answer{always(ambiguous(invite.SendLink))}, 1, invite.StatusUnknown, invite.Unknown},
		{"a getlink that succeeds at last is invited", invite.GetLink, []func() invite.Answer{always(ambiguous(invite.GetLink)), always(ambiguous(invite.GetLink)), invited}, 3, invite.StatusInvited, invite.Invited},
		{"a 429 uses no try up", invite.SendLink, append(slice(20, throttled(time.Second)), invited), 21, invite.StatusInvited, invite.Invited},
		{"nor by a rejection, which may be of the second call alone", invite.GetLink, []func() invite.Answer{always(ambiguous(invite.GetLink)), always(rejectedAnswer)}, 2, invite.StatusUnknown, invite.Unknown},
		{"what was ambiguous once is not forgotten", invite.GetLink, []func() invite.Answer{always(ambiguous(invite.GetLink)), always(refused(false))}, 2, invite.StatusUnknown, invite.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStepTest(t, tt.answers...)
				defer st.close()
				c := candidate("ann", tt.format)
				r := st.do(c)
				if got := st.calls.Load(); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				if r.Status != tt.status || st.state(c) != tt.state {
					t.Errorf("result %s, ledger %s, want %s, %s", r.Status, st.state(c), tt.status, tt.state)
				}
				if r.Status == invite.StatusInvited && r.Outcome.Attempts != int(tt.calls) {
					t.Errorf("%d attempts in the result, want %d", r.Outcome.Attempts, tt.calls)
				}
			})
		})
	}
}

func slice(n int, a invite.Answer) (answers []func() invite.Answer) {
	for range n {
		answers = append(answers, always(a))
	}
	return answers
}

func TestStep_recordsNotSentBeforeItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStepTest(t, always(unreachable()), invited)
		defer st.close()
		c := candidate("ann", invite.SendLink)
		done := make(chan invite.Result)
		go func() { done <- st.do(c) }()
		synctest.Wait() // it waits for its second try
		if got := st.state(c); got != invite.NotSent {
			t.Errorf("ledger says %q during the wait, want %q: a crash now would make an unknown", got, invite.NotSent)
		}
		if r := <-done; r.Status != invite.StatusInvited || r.Outcome.Attempts != 1 {
			t.Errorf("result %s after %d requests, want invited after 1", r.Status, r.Outcome.Attempts)
		}
	})
}

func TestStep_stopEndsEveryWaitAtOnce(t *testing.T) {
	for name, answer := range map[string]invite.Answer{"pause": throttled(10 * time.Minute), "backoff": unreachable()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStepTest(t, always(answer))
				defer st.close()
				done := make(chan invite.Result)
				go func() { done <- st.do(candidate("ann", invite.SendLink)) }()
				synctest.Wait()
				start := time.Now()
				st.stop(&invite.Stop{Kind: invite.StopInterrupted, Reason: "interrupted"})
				if r := <-done; r.Status != invite.StatusNotSent {
					t.Errorf("result %s, want not_sent", r.Status)
				}
				if waited := time.Since(start); waited > 0 {
					t.Errorf("the stop took %v, want no time", waited)
				}
			})
		})
	}
}

func TestStep_stopsTheRun(t *testing.T) {
	person := &invite.Stop{Kind: invite.StopPerson, Reason: "key refused"}
	garbage := invite.Answer{Class: invite.ClassAmbiguous, Retry: true, StopIfFirst: person, Outcome: invite.Outcome{State: invite.Unknown, Error: "an HTML page"}}
	wrongKey := refused(false)
	wrongKey.Stop = person
	for _, tt := range []struct {
		name    string
		answers []func() invite.Answer
		calls   int64
		kind    invite.StopKind
	}{
		{"at a refused key", []func() invite.Answer{always(wrongKey)}, 1, invite.StopPerson},
		{"at a first answer that is no answer", []func() invite.Answer{always(garbage)}, 1, invite.StopPerson},
		{"at an answer that is no answer after a broken call", []func() invite.Answer{always(ambiguous(invite.GetLink)), always(garbage)}, 2, invite.StopPerson},
		{"at a pause longer than it would wait", []func() invite.Answer{always(throttled(16 * time.Minute))}, 1, invite.StopLater},
		{"after no success for too long", slice(1, throttled(10*time.Minute)), 3, invite.StopLater},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStepTest(t, tt.answers...)
				defer st.close()
				st.do(candidate("ann", invite.GetLink))
				if got := st.calls.Load(); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				var kind invite.StopKind
				if st.stopped != nil {
					kind = st.stopped.Kind
				}
				if kind != tt.kind {
					t.Errorf("stopped with kind %d, want %d", kind, tt.kind)
				}
			})
		})
	}
}

func TestStep_answersARefusedClaimFromTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStepTest(t, invited)
		defer st.close()
		c := candidate("ann", invite.SendLink)
		first := st.do(c)
		again := st.do(c)
		if again.Status != invite.StatusAlreadyInvited || again.Outcome.Link != first.Outcome.Link {
			t.Errorf("the second time: %s %q, want already_invited with the old link", again.Status, again.Outcome.Link)
		}
		if got := st.calls.Load(); got != 1 {
			t.Errorf("%d calls, want 1", got)
		}
	})
}

func TestStep_aDateThatPassesInTheQueueIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStepTest(t, invited)
		defer st.close()
		c := candidate("ann", invite.SendLink)
		var err error
		text := time.Now().Add(30 * time.Minute).UTC().Format(invite.WireTime)
		if c.Expiry, err = invite.ParseExpiry(text, "Expiry", invite.AsWritten); err != nil {
			t.Fatal(err)
		}
		st.step.Pace.Pause(time.Hour, "test")
		r := st.do(c)
		if r.Status != invite.StatusInvalid || !strings.Contains(r.Outcome.Error, "line 2, column Expiry") || st.calls.Load() != 0 {
			t.Errorf("%s %q after %d calls, want invalid without a call", r.Status, r.Outcome.Error, st.calls.Load())
		}
	})
}

func TestStep_goesOnAtGarbageAfterAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		garbage := ambiguous(invite.GetLink)
		garbage.StopIfFirst = &invite.Stop{Kind: invite.StopPerson, Reason: "not the vendor"}
		st := newStepTest(t, invited, always(garbage))
		defer st.close()
		st.do(candidate("ann", invite.GetLink))
		if r := st.do(candidate("bob", invite.GetLink)); r.Status != invite.StatusUnknown || st.stopped != nil {
			t.Errorf("%s, stopped %v, want unknown and a run that goes on", r.Status, st.stopped)
		}
	})
}

func TestStep_theWaitForASlotIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStepTest(t, always(unreachable()), invited)
		defer st.close()
		st.step.Pace.Pause(time.Hour, "a long queue") // four times what it would wait for an answer
		if r := st.do(candidate("ann", invite.GetLink)); r.Status != invite.StatusInvited || st.stopped != nil {
			t.Errorf("%s, stopped %v, want invited by the second try", r.Status, st.stopped)
		}
	})
}
