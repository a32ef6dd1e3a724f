package pace

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// calls makes calls one after the other and gives when each was sent, counted from now.
func calls(t *testing.T, l *Limiter, n int, h Heard) (at []time.Duration) {
	t.Helper()
	start := time.Now()
	for range n {
		slot := mustWait(t, l)
		at = append(at, time.Since(start))
		slot.Ended(h)
	}
	return at
}

func TestWait_aWindowFreesAtTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{100, time.Second}, {2, time.Minute}}, time.Hour)
		first, start := mustWait(t, l), time.Now()
		mustSleep(t, 7*time.Second)
		first.Ended(Heard{})
		mustWait(t, l).Ended(Heard{})
		mustWait(t, l)
		if got := time.Since(start); got < 67*time.Second || got > 68*time.Second {
			t.Errorf("the third call went after %v, want 67s: a minute after the first answer", got)
		}
	})
}

func TestWait_aFullWindowInFlightWaitsForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{100, time.Second}, {1, 10 * time.Second}}, 20*time.Second)
		slot := mustWait(t, l)
		sent := make(chan time.Duration)
		start := time.Now()
		go func() {
			mustWait(t, l).Ended(Heard{})
			sent <- time.Since(start)
		}()
		mustSleep(t, time.Minute) // longer than it would give up, as nothing is used up
		slot.Ended(Heard{})
		if got := <-sent; got < 70*time.Second || got > 71*time.Second {
			t.Errorf("the second call went after %v, want 10 s after the answer to the first", got)
		}
	})
}

func TestUnused_countsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{1000, time.Second}, {2, time.Minute}}, time.Hour)
		for range 10 {
			mustWait(t, l).Unused()
		}
		start := time.Now()
		calls(t, l, 2, Heard{Accepted: true})
		if got := time.Since(start); got > time.Second {
			t.Errorf("two calls after ten that were not made took %v, want no wait", got)
		}
		if s := l.Stats(); len(s.Used) != 1 || s.Used[0].Calls != 2 {
			t.Errorf("used %v, want 2", s.Used)
		}
	})
}

func TestWait_exhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := Rate{3, 24 * time.Hour}
		l := New([]Rate{day}, 15*time.Minute)
		start := time.Now()
		calls(t, l, 3, Heard{Accepted: true})
		_, err := l.Wait(t.Context())
		e, ok := errors.AsType[*Exhausted](err)
		if !ok || e.Rate != day || e.Until.Sub(start) < 24*time.Hour || e.Until.Sub(start) > 24*time.Hour+time.Minute {
			t.Fatalf("Wait = %v, want the quota exhausted until a day later", err)
		}
		if want := "the quota 3/d is used up, go on after " + e.Until.UTC().Format(time.RFC3339); err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	})
}

func TestNew_goesOnWhereEarlierRunsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		l := New([]Rate{{5, time.Minute}}, time.Hour, Usage{now.Add(-30 * time.Second), 5})
		if until, why := l.Paused(); !until.IsZero() {
			t.Errorf("paused until %v for %q before anybody waits", until, why)
		}
		got := calls(t, l, 1, Heard{})[0]
		if got < 31*time.Second || got > 32*time.Second {
			t.Errorf("the first call went after %v, want 31s", got)
		}
		future := New([]Rate{{5, time.Minute}}, time.Hour, Usage{now.Add(time.Hour), 5})
		if got := calls(t, future, 1, Heard{})[0]; got < time.Minute || got > 61*time.Second {
			t.Errorf("after the clock was set back the first call went after %v, want 1m", got)
		}
	})
}

func TestEnded_takesOverTighterQuotasOnly(t *testing.T) {
	second, minute := time.Second, time.Minute
	for _, tt := range []struct {
		name    string
		quotas  []Rate
		learned int
		tenth   time.Duration // when the tenth call goes
	}{
		{"the same", []Rate{{60, minute}}, 0, 9 * second},
		{"looser", []Rate{{600, minute}, {61, minute}, {10000, time.Hour}}, 0, 9 * second},
		{"tighter", []Rate{{30, minute}}, 1, 17 * second},
		{"tighter in the long run only", []Rate{{5, time.Hour}}, 1, 96 * minute},
		{"a short one", []Rate{{1, 2 * second}}, 1, 17540 * time.Millisecond},
		{"nonsense", []Rate{{0, minute}, {-1, minute}, {5, 0}, {5, time.Millisecond}, {5, 9000 * time.Hour}}, 0, 9 * second},
		{"absurdly slow", []Rate{{1, 3 * second}, {1, 4 * second}}, 2, 34 * second},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New([]Rate{{60, minute}}, 24*time.Hour)
			at := calls(t, l, 10, Heard{Accepted: true, Quotas: tt.quotas})
			if got := at[9]; got < tt.tenth || got > tt.tenth+tt.tenth/5 {
				t.Errorf("%s: the tenth call went after %v, want %v", tt.name, got, tt.tenth)
			}
			if got := l.Stats().Learned; len(got) != tt.learned {
				t.Errorf("%s: learned %v, want %d", tt.name, got, tt.learned)
			}
		})
	}
}

func TestWait_serialAfterTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{1, time.Second}}, time.Hour)
		l.feedback.serial, l.feedback.left = true, 100
		slot := mustWait(t, l)
		start := time.Now()
		sent := make(chan time.Duration)
		go func() {
			mustWait(t, l)
			sent <- time.Since(start)
		}()
		mustSleep(t, 5*time.Second)
		slot.Ended(Heard{Accepted: true})
		if got := <-sent; got < 6*time.Second || got > 6100*time.Millisecond {
			t.Errorf("the next call went after %v, want one spacing after the answer at 5s", got)
		}
	})
}

func TestStats_countWhatPausesCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{100, time.Second}}, time.Hour)
		mustWait(t, l).Ended(Heard{Refused: true})
		l.Pause(10*time.Second, "429")
		mustSleep(t, 4*time.Second)
		l.Pause(10*time.Second, "429") // the two overlap
		mustSleep(t, time.Second)
		if got := l.Stats(); got.Lost != 5*time.Second || got.Refused != 1 {
			t.Errorf("in the pause: %v lost, %d refused, want 5s, 1", got.Lost, got.Refused)
		}
		mustSleep(t, time.Hour)
		if got := l.Stats().Lost; got != 14*time.Second {
			t.Errorf("after it: %v lost, want 14s", got)
		}
	})
}

func TestPaused_tellsOfAWindowToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{100, time.Second}, {1, time.Minute}}, time.Hour)
		mustWait(t, l).Ended(Heard{})
		go func() { _, _ = l.Wait(t.Context()) }()
		synctest.Wait()
		until, why := l.Paused()
		if d := time.Until(until); d < 59*time.Second || d > 61*time.Second || why != "the quota 1/m is used up" {
			t.Errorf("paused for %v: %q, want 1m and the quota", d, why)
		}
		mustSleep(t, 2*time.Minute)
		if until, _ := l.Paused(); !until.IsZero() {
			t.Errorf("paused until %v when nobody waits", until)
		}
	})
}
