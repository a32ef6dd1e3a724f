package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
)

// course is a vendor over time: what it answers at a call, by its number from 1 and the time since the start, a second
// after the call came.
type course struct {
	answer func(n int, c invite.Candidate, since time.Duration) invite.Answer

	mu     sync.Mutex
	start  time.Time
	began  []time.Duration // of each call
	flying []int           // calls in flight as each began, itself included
	now    int
}

func (v *course) call(_ context.Context, c invite.Candidate, _ string) invite.Answer {
	v.mu.Lock()
	n := len(v.began) + 1
	v.now++
	v.began, v.flying = append(v.began, time.Since(v.start)), append(v.flying, v.now)
	v.mu.Unlock()
	<-time.After(time.Second)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now--
	return v.answer(n, c, time.Since(v.start))
}

func failing(a invite.Answer) invite.Answer {
	a.Failing = true
	return a
}

func rejected(status int) invite.Answer {
	return invite.Answer{Class: invite.ClassAnswered, Status: status, Outcome: invite.Outcome{State: invite.Rejected, Error: fmt.Sprintf("rejected (%d)", status)}}
}

func forbidden() invite.Answer {
	return invite.Answer{Class: invite.ClassRefused, Status: 403, Outcome: invite.Outcome{State: invite.NotSent, Error: "refused (403)"}}
}

func listed(n int, f invite.Format) (rows []invite.Row) {
	for i := range n {
		rows = append(rows, valid(i+2, fmt.Sprintf("p%d", i), f))
	}
	return rows
}

// follow runs rows against a vendor in a bubble of virtual time, and hands what came of it to check.
func follow(t *testing.T, rows []invite.Row, workers int, set func(*pipeline.Pool), answer func(n int, c invite.Candidate, since time.Duration) invite.Answer,
	check func(t *testing.T, v *course, out *sink, totals pipeline.Totals)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := &course{answer: answer, start: time.Now()}
		pool, out := newPool(t, rows, v.call, workers)
		pool.Step.GiveUp, pool.Step.Gate = 15*time.Minute, pipeline.NewGate(workers, 10, 15*time.Minute)
		set(pool)
		totals, err := pool.Run(t.Context(), t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.results) != len(rows) {
			t.Errorf("%d results for %d rows", len(out.results), len(rows))
		}
		check(t, v, out, totals)
	})
}

func asItIs(*pipeline.Pool) {}

func wantStop(t *testing.T, totals pipeline.Totals, kind invite.StopKind, text string) {
	t.Helper()
	if len(totals.Stops) != 1 || totals.Stops[0].Kind != kind || !strings.Contains(totals.Stops[0].Reason, text) {
		t.Errorf("stops %v, want one of kind %d with %q", totals.Stops, kind, text)
	}
}

func TestGate_beginsWithOneCallAndDoubles(t *testing.T) {
	follow(t, listed(100, invite.SendLink), 16, asItIs,
		func(int, invite.Candidate, time.Duration) invite.Answer { return invited() },
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			perSecond := map[time.Duration]int{}
			for _, at := range v.began {
				perSecond[at.Truncate(time.Second)]++
			}
			for second, want := range []int{1, 2, 4, 8, 16, 16} {
				if got := perSecond[time.Duration(second)*time.Second]; got != want {
					t.Errorf("%d calls in second %d, want %d", got, second, want)
				}
			}
			if totals.Reached != 100 {
				t.Errorf("%d of 100 invited", totals.Reached)
			}
		})
}

func TestGate_anOutageIsProbedByOneRowAtATime(t *testing.T) {
	const from, to = 10 * time.Second, 5 * time.Minute
	follow(t, listed(300, invite.SendLink), 16, asItIs,
		func(_ int, _ invite.Candidate, since time.Duration) invite.Answer {
			if since > from && since < to {
				return failing(unreachable())
			}
			return invited()
		},
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			if totals.Reached != 300 || len(totals.Stops) > 0 {
				t.Errorf("%d of 300 invited, stops %v", totals.Reached, totals.Stops)
			}
			var probes []time.Duration
			for i, at := range v.began {
				if at > from+2*time.Second && at < to {
					probes = append(probes, at)
					if v.flying[i] != 1 {
						t.Errorf("%d calls in flight at %v of an outage", v.flying[i], at)
					}
				}
			}
			var gaps []string
			for i := range probes[1:] {
				gaps = append(gaps, (probes[i+1] - probes[i]).Round(time.Second).String())
			}
			// A call takes a second, so after a wait of four the next probe begins five after the last one.
			if want := []string{"5s", "9s", "17s", "33s", "1m1s", "1m1s", "1m1s"}; !slices.Equal(gaps, want) {
				t.Errorf("probes %v apart, want %v", gaps, want)
			}
			after := 0
			for i, at := range v.began {
				if at > to && at < to+90*time.Second && v.flying[i] == 1 {
					after++
				}
			}
			if after == 0 {
				t.Error("the run did not begin again with one call")
			}
		})
}

func TestGate_anOutageEndsWithThePatience(t *testing.T) {
	follow(t, listed(300, invite.SendLink), 16, asItIs,
		func(n int, _ invite.Candidate, since time.Duration) invite.Answer { return failing(unreachable()) },
		func(t *testing.T, v *course, out *sink, totals pipeline.Totals) {
			wantStop(t, totals, invite.StopLater, "no answer that counts for 15m0s (--give-up-after): unreachable")
			if len(v.began) > 30 || len(v.began) < 15 {
				t.Errorf("%d calls at a vendor that is down for a quarter of an hour", len(v.began))
			}
			if took := time.Since(v.start); took < 15*time.Minute || took > 16*time.Minute {
				t.Errorf("it took %v to give up, want the 15 minutes", took)
			}
			if totals.Counts[invite.StatusNotSent] != 300 {
				t.Errorf("%v, want all 300 not sent", totals.Counts)
			}
		})
}

func TestGate_aStopEndsTheWaitInAnOutageAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &course{start: time.Now(), answer: func(int, invite.Candidate, time.Duration) invite.Answer { return failing(unreachable()) }}
		pool, _ := newPool(t, listed(100, invite.SendLink), v.call, 16)
		pool.Step.GiveUp, pool.Step.Gate = time.Hour, pipeline.NewGate(16, 10, time.Hour)
		take, interrupt := context.WithCancelCause(t.Context())
		var at time.Time
		time.AfterFunc(20*time.Minute+30*time.Second, func() { // between two probes
			if until, why := pool.Step.Gate.Down(); until.IsZero() || !strings.HasSuffix(why, ": unreachable") {
				t.Errorf("the gate says %v %q in an outage", until, why)
			}
			at = time.Now()
			interrupt(&invite.Stop{Kind: invite.StopTerminated, Reason: "terminated"})
		})
		if _, err := pool.Run(take, t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(at); took > time.Second {
			t.Errorf("the run ended %v after the signal", took)
		}
	})
}

func TestGate_fiveSendlinkCallsInTheDarkStopTheRun(t *testing.T) {
	follow(t, listed(100, invite.SendLink), 16, asItIs,
		func(int, invite.Candidate, time.Duration) invite.Answer { return failing(ambiguous(invite.SendLink)) },
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			wantStop(t, totals, invite.StopLater, "5 sendlink calls in a row ended without an answer that counts: broke")
			if len(v.began) != 5 || totals.Counts[invite.StatusUnknown] != 5 || totals.Counts[invite.StatusNotSent] != 95 {
				t.Errorf("%d calls, %v, want 5 unknown and the rest not sent", len(v.began), totals.Counts)
			}
		})
}

func TestGate_noMoreThanMaxUnknownAndOneMore(t *testing.T) {
	follow(t, listed(300, invite.SendLink), 16, asItIs,
		func(n int, _ invite.Candidate, _ time.Duration) invite.Answer {
			if n%3 == 0 {
				return failing(ambiguous(invite.SendLink))
			}
			return invited()
		},
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			wantStop(t, totals, invite.StopLater, "11 people became unknown, more than --max-unknown 10: broke")
			if n := totals.Counts[invite.StatusUnknown]; n != 11 {
				t.Errorf("%d unknown, want 11", n)
			}
		})
}

func TestGate_afterAnUnknownNoMoreInFlightThanTheBudgetHasLeft(t *testing.T) {
	var dark []time.Duration
	follow(t, listed(300, invite.SendLink), 32, asItIs,
		func(n int, _ invite.Candidate, since time.Duration) invite.Answer {
			if n == 100 || n > 150 {
				dark = append(dark, since)
				return failing(ambiguous(invite.SendLink))
			}
			return invited()
		},
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			if most := slices.Max(v.flying[:90]); most < 30 {
				t.Errorf("%d calls in flight before anything went wrong, want the workers", most)
			}
			for i, at := range v.began {
				if at > dark[0]+time.Second && v.flying[i] > 9 {
					t.Errorf("%d calls in flight at %v with 9 unknowns left", v.flying[i], at)
				}
			}
			if n := totals.Counts[invite.StatusUnknown]; n > 11 {
				t.Errorf("%d unknown, want at most 11", n)
			}
		})
}
