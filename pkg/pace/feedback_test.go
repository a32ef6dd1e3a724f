package pace

import (
	"math"
	"testing"
	"time"
)

// refusals tells f of n calls, of which those in the list were refused, each as a wave of its own.
func refusals(f *feedback, from time.Time, n int, refused ...int) time.Time {
	at := from
	for i := range n {
		sent := at.Add(time.Second)
		at = sent.Add(100 * time.Millisecond)
		hit := false
		for _, r := range refused {
			hit = hit || r == i
		}
		if hit {
			f.refused(sent, at)
		} else {
			f.accepted()
		}
	}
	return at
}

func TestFeedback_factor(t *testing.T) {
	for _, tt := range []struct {
		name    string
		calls   int
		refused []int
		want    float64
	}{
		{"all taken", 100, nil, 1},
		{"a lone refusal only pauses", 50, []int{49}, 1},
		{"two, far apart", 100, []int{10, 90}, 1},
		{"two of fifty", 60, []int{58, 59}, 0.7},
		{"three of fifty", 60, []int{57, 58, 59}, 0.49},
		{"back after a while", 1000, []int{50, 51}, 1},
	} {
		f := newFeedback(lowest)
		refusals(&f, noon, tt.calls, tt.refused...)
		if math.Abs(f.factor-tt.want) > 1e-9 || f.serial {
			t.Errorf("%s: factor %v, serial %v, want %v", tt.name, f.factor, f.serial, tt.want)
		}
	}
}

func TestFeedback_aWaveIsOneStep(t *testing.T) {
	f := newFeedback(lowest)
	for range 20 {
		f.refused(noon, after(time.Second)) // sent together, refused together
	}
	if f.factor != decrease || f.serial {
		t.Errorf("factor %v, serial %v after a wave, want %v", f.factor, f.serial, decrease)
	}
}

func TestFeedback_comesBackSlowlyAndNeverAbove(t *testing.T) {
	f := newFeedback(lowest)
	at := refusals(&f, noon, 2, 0, 1)
	calls := 0
	for f.factor < 1 && calls < 1000 {
		was := f.factor
		at = refusals(&f, at, 1)
		if calls++; f.factor < was {
			t.Fatalf("the factor falls from %v to %v with a call that is taken", was, f.factor)
		}
	}
	if calls != 100 {
		t.Errorf("%d calls until the factor is back, want 100: two refusals are 2 %% of them", calls)
	}
	refusals(&f, at, 500)
	if f.factor != 1 {
		t.Errorf("factor %v, want 1: never above what is stated", f.factor)
	}
}

func TestFeedback_neverBelowTheLowest(t *testing.T) {
	f := newFeedback(lowest)
	f.serial, f.left = true, 1000
	at := noon
	for range 100 {
		at = refusals(&f, at, 1, 0)
	}
	if f.factor != lowest {
		t.Errorf("factor %v, want %v", f.factor, lowest)
	}
}

func TestFeedback_serialWhereNoBurstIsAllowed(t *testing.T) {
	f := newFeedback(lowest)
	at := refusals(&f, noon, 50, 10, 18, 26, 34, 42)
	if !f.serial || f.factor < decrease-1e-9 || f.factor > decrease+0.02 {
		t.Fatalf("serial %v, factor %v after 5 waves in 50 calls, want true, %v", f.serial, f.factor, decrease)
	}
	at = refusals(&f, at, firstTrial-8) // seven were taken since
	if !f.serial {
		t.Fatal("serial mode ends early")
	}
	at = refusals(&f, at, 1)
	if f.serial {
		t.Fatalf("serial mode is still on after %d calls that were taken", firstTrial)
	}
	refusals(&f, at, 50, 10, 18, 26, 34, 42)
	if !f.serial || f.left != 2*firstTrial-7 {
		t.Errorf("serial %v for %d more calls, want true for %d: the next trial comes later", f.serial, f.left, 2*firstTrial-7)
	}
}
