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

func TestSpacing(t *testing.T) {
	second, minute, hour := time.Second, time.Minute, time.Hour
	for _, tt := range []struct {
		rates []Rate
		want  time.Duration
		why   string
	}{
		{[]Rate{{2, second}}, 515 * time.Millisecond, "3 % over an even one"},
		{[]Rate{{60, minute}}, second, "even"},
		{[]Rate{{50, 5 * second}}, 100 * time.Millisecond, "even"},
		{[]Rate{{60, minute}, {10, second}}, 103 * time.Millisecond, "the shortest window's"},
		{[]Rate{{10, second}, {15, 2 * second}, {60, minute}}, 137333333, "that of windows that nothing else keeps"},
		{[]Rate{{5000, 24 * hour}}, 515 * time.Millisecond, "that of 2/s, as wide windows only cap"},
		{[]Rate{{5000, 24 * hour}, {100, minute}}, 600 * time.Millisecond, "the shortest window's"},
		{nil, 515 * time.Millisecond, "that of 2/s"},
	} {
		if got := Spacing(tt.rates); got != tt.want+1 {
			t.Errorf("Spacing(%v) = %v, want %v: %s", tt.rates, got, tt.want, tt.why)
		}
	}
}

func TestWait_spacesManyWaitersEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{60, time.Minute}}, 24*time.Hour)
		var mu sync.Mutex
		var at []time.Time
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 4 {
					slot, err := l.Wait(t.Context())
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					at = append(at, time.Now())
					mu.Unlock()
					slot.Ended(Heard{})
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
		l := New([]Rate{{60, time.Minute}}, 24*time.Hour)
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
		l := New([]Rate{{60, time.Minute}}, 24*time.Hour)
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

func TestBackoff_doublesUntilACallIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{1000, time.Second}}, 24*time.Hour)
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 480, 480} {
			slot := mustWait(t, l)
			for range 8 { // calls in flight that are refused together
				if got := l.Backoff("429"); got != want*time.Second {
					t.Errorf("Backoff = %v, want %ds", got, want)
				}
			}
			slot.Ended(Heard{Refused: true})
		}
		mustWait(t, l).Ended(Heard{Accepted: true})
		if got := l.Backoff("429"); got != time.Second {
			t.Errorf("Backoff after an accepted call = %v, want 1s", got)
		}
	})
}

func TestWait_endsWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New([]Rate{{1, time.Hour}}, 24*time.Hour)
		mustWait(t, l)
		cause := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() {
			_, err := l.Wait(ctx)
			done <- err
		}()
		synctest.Wait()
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("Wait = %v, want %v", err, cause)
		}
		l.Pause(time.Hour, "vendor away")
		if _, err := l.Wait(ctx); !errors.Is(err, cause) {
			t.Errorf("Wait in a pause = %v, want %v", err, cause)
		}
	})
}

func mustWait(t *testing.T, l *Limiter) Slot {
	t.Helper()
	slot, err := l.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slot
}
