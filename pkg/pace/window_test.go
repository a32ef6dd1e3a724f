package pace

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

func TestWindow_next(t *testing.T) {
	second, minute := time.Second, time.Minute
	for _, tt := range []struct {
		name     string
		rate     Rate
		answered []time.Duration // after noon
		flying   int
		now      time.Duration
		want     time.Duration // -1: it depends on those in flight
	}{
		{"nothing yet", Rate{2, minute}, nil, 0, 0, 0},
		{"one is left", Rate{2, minute}, []time.Duration{0}, 0, 0, 0},
		{"none is left", Rate{2, minute}, []time.Duration{0, second}, 0, 2 * second, minute},
		{"in flight counts", Rate{2, minute}, []time.Duration{0}, 1, 2 * second, minute},
		{"all in flight", Rate{2, minute}, nil, 2, 2 * second, -1},
		{"old ones count no more", Rate{2, minute}, []time.Duration{0, second}, 0, 121 * second, 121 * second},
		{"after a burst evenly, for vendors that count by shares of fixed windows", Rate{60, minute}, burst(60, 0), 1, minute, 61 * second},
		{"of a burst half are old", Rate{60, minute}, append(burst(30, 0), burst(30, 30*second)...), 0, 45 * second, minute},
		{"one an hour", Rate{1, time.Hour}, []time.Duration{0}, 0, minute, time.Hour},
	} {
		w := newWindow(tt.rate, noon)
		for _, at := range tt.answered {
			w.add(after(at), after(tt.now), 1)
		}
		w.flying = tt.flying
		got, known := w.next(after(tt.now))
		if tick := tt.rate.Per / ticks; known != (tt.want >= 0) || known && (got.Before(after(tt.want)) || got.After(after(tt.want+2*tick))) {
			t.Errorf("%s: next = %v, %v, want %v", tt.name, got.Sub(noon), known, tt.want)
		}
		if again, _ := w.next(got); known && again != got {
			t.Errorf("%s: at the time given, %v, the next call is allowed at %v", tt.name, got.Sub(noon), again.Sub(noon))
		}
	}
}

func burst(n int, at time.Duration) (all []time.Duration) {
	for range n {
		all = append(all, at)
	}
	return all
}

// Whoever asks the window before each call is refused by no vendor with burst, wherever its windows begin, however
// long calls take, and whenever within them they arrive.
func TestWindow_noVendorRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rate{rapid.IntRange(1, 12).Draw(t, "calls"), 10 * time.Second}
		w := newWindow(r, noon)
		var servers []server
		for _, kind := range serverKinds[:4] {
			servers = append(servers, kind.make(r, noon, time.Duration(rapid.IntRange(0, 9999).Draw(t, "phase"))*time.Millisecond))
		}
		now := noon
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "idle")) * time.Millisecond)
			open, known := w.next(now)
			if !known {
				t.Fatalf("nothing is in flight, and next does not know")
			}
			w.flying++
			latency := rapid.IntRange(0, 2000).Draw(t, "latency")
			arrives := open.Add(time.Duration(rapid.IntRange(0, latency).Draw(t, "arrives")) * time.Millisecond)
			for i, s := range servers {
				if !s.take(arrives) {
					t.Fatalf("%s refuses the call of %v", serverKinds[i].name, arrives.Sub(noon))
				}
			}
			now = open.Add(time.Duration(latency) * time.Millisecond)
			w.end(now, now)
		}
	})
}

func TestWindow_forgetsWhatIsOlderThanTwoWindows(t *testing.T) {
	w := newWindow(Rate{5, time.Minute}, noon)
	for i := range 1000 {
		w.add(after(time.Duration(i)*time.Second), after(time.Duration(i)*time.Second), 1)
	}
	if w.total > 122 {
		t.Errorf("%d calls are remembered, want those of the last 2 minutes", w.total)
	}
	w.add(noon, after(time.Hour), 7)
	if w.total != 0 {
		t.Errorf("%d calls are remembered after an hour, want none", w.total)
	}
}
