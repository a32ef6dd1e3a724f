package pace

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseRate_readsEveryForm(t *testing.T) {
	for _, tt := range []struct {
		in, out string
		want    Rate
	}{
		{"2/s", "2/s", Rate{2, time.Second}},
		{"60/m", "60/m", Rate{60, time.Minute}},
		{"50/5s", "50/5s", Rate{50, 5 * time.Second}},
		{"5000/d", "5000/d", Rate{5000, 24 * time.Hour}},
		{" 1000/h ", "1000/h", Rate{1000, time.Hour}},
		{"30/60s", "30/m", Rate{30, time.Minute}},
	} {
		got, err := ParseRate(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
		if got.String() != tt.out {
			t.Errorf("ParseRate(%q).String() = %q, want %q", tt.in, got.String(), tt.out)
		}
	}
}

func TestParseRate_refusesNonsense(t *testing.T) {
	for _, in := range []string{"", "2", "/s", "2/", "0/s", "-1/s", "2/0s", "2/w", "1.5/s", "2/s/s", "2 /s", "9999999999/s", "2/99999999999d"} {
		if got, err := ParseRate(in); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", in, got)
		}
	}
}

func TestSpacing_keepsEveryRate(t *testing.T) {
	got := Spacing([]Rate{{10, time.Second}, {60, time.Minute}, {1000, time.Second}})
	if want := time.Second + 1; got != want {
		t.Errorf("Spacing = %v, want %v: the tightest rate decides", got, want)
	}
	if got := Spacing([]Rate{{2, time.Second}}); got < 515*time.Millisecond || got > 516*time.Millisecond {
		t.Errorf("Spacing(2/s) = %v, want 3 %% over 500ms", got)
	}
}

func TestWait_spacesManyWaitersEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{60, time.Minute}})
		var mu sync.Mutex
		var at []time.Time
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 4 {
					if err := l.Wait(t.Context()); err != nil {
						t.Error(err)
					}
					mu.Lock()
					at = append(at, time.Now())
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < time.Second {
				t.Fatalf("calls %d and %d are %v apart, want at least 1s", i-1, i, gap)
			}
		}
		if got := at[len(at)-1].Sub(at[0]); got > 64*time.Second {
			t.Errorf("64 calls took %v, want 63s: the quota is not used", got)
		}
	})
}

func TestWait_doesNotCatchUpAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{60, time.Minute}})
		mustWait(t, l)
		<-time.After(time.Hour)
		mustWait(t, l)
		start := time.Now()
		mustWait(t, l)
		if got := time.Since(start); got < time.Second {
			t.Errorf("the second call after a stall came %v after the first, want 1s", got)
		}
	})
}

func TestPause_holdsWaitersWhoHaveASlotAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{60, time.Minute}})
		mustWait(t, l)
		start := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				mustWait(t, l)
				mu.Lock()
				at = append(at, time.Since(start))
				mu.Unlock()
			})
		}
		synctest.Wait()
		l.Pause(30*time.Second, "429")
		l.Pause(time.Second, "shorter")
		if until, why := l.Paused(); until.Sub(start) != 30*time.Second || why != "429" {
			t.Errorf("Paused = %v %q, want the longer pause", until.Sub(start), why)
		}
		wg.Wait()
		for i, got := range at {
			if got < 30*time.Second {
				t.Errorf("a call was let through %v into a pause of 30s", got)
			}
			if i > 0 && got-at[i-1] < time.Second {
				t.Errorf("calls after the pause are %v apart, want 1s: a burst", got-at[i-1])
			}
		}
	})
}

func TestThrottled_doublesUntilACallIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{1000, time.Second}})
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			for range 8 { // calls in flight that are refused together
				if got := l.Throttled("429"); got != want*time.Second {
					t.Errorf("Throttled = %v, want %ds", got, want)
				}
			}
			mustWait(t, l)
		}
		l.Accepted()
		if got := l.Throttled("429"); got != time.Second {
			t.Errorf("Throttled after an accepted call = %v, want 1s", got)
		}
	})
}

func TestWait_endsWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{1, time.Hour}})
		mustWait(t, l)
		cause := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- l.Wait(ctx) }()
		synctest.Wait()
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("Wait = %v, want %v", err, cause)
		}
		l.Pause(time.Hour, "vendor away")
		if err := l.Wait(ctx); !errors.Is(err, cause) {
			t.Errorf("Wait in a pause = %v, want %v", err, cause)
		}
	})
}

func TestDuration_isWhatTheSpacingTakes(t *testing.T) {
	rates := []Rate{{60, time.Minute}}
	for n, want := range map[int]time.Duration{0: 0, 1: 0, 61: time.Minute} {
		if got := Duration(n, rates).Round(time.Millisecond); got != want {
			t.Errorf("Duration(%d) = %v, want %v", n, got, want)
		}
	}
}

func mustWait(t *testing.T, l *Limiter) {
	t.Helper()
	if err := l.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
