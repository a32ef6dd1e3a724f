package pace

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestForesee(t *testing.T) {
	minute, hour, day := time.Minute, time.Hour, 24*time.Hour
	for _, tt := range []struct {
		name    string
		n       int
		rates   []Rate
		earlier []Usage // by their age
		giveUp  time.Duration
		takes   time.Duration
		fit     int
		resume  time.Duration // from now
	}{
		{name: "nothing", rates: []Rate{{2, time.Second}}},
		{name: "evenly", n: 61, rates: []Rate{{60, minute}}, giveUp: hour, takes: minute, fit: 61},
		{name: "a day's quota is enough", n: 100, rates: []Rate{{5000, day}}, giveUp: hour, takes: 51 * time.Second, fit: 100},
		{name: "more than a day's quota", n: 6000, rates: []Rate{{5000, day}}, giveUp: hour, takes: 2574 * time.Second, fit: 5000, resume: day},
		{name: "used up by earlier runs", n: 10, rates: []Rate{{100, hour}}, earlier: []Usage{{noon.Add(-10 * minute), 100}}, giveUp: 15 * minute, resume: 50 * minute},
		{name: "worth waiting for", n: 1, rates: []Rate{{100, hour}}, earlier: []Usage{{noon.Add(-50 * minute), 100}}, giveUp: 15 * minute, takes: 10 * minute, fit: 1},
		{name: "partly used", n: 100, rates: []Rate{{100, hour}}, earlier: []Usage{{noon.Add(-10 * minute), 40}}, giveUp: 15 * minute, takes: 30 * time.Second, fit: 60, resume: 50 * minute},
		{name: "less patience than one call needs", n: 3, rates: []Rate{{1, 10 * time.Second}}, giveUp: time.Second, fit: 1, resume: 10 * time.Second},
		{name: "two rates", n: 121, rates: []Rate{{10, time.Second}, {60, minute}}, giveUp: hour, takes: 2 * minute, fit: 121},
		{name: "very many", n: 1_000_000, rates: []Rate{{60, minute}}, giveUp: hour, takes: 1_000_000 * time.Second, fit: 1_000_000},
		{name: "one has just been made", n: 1, rates: []Rate{{1, 30 * time.Second}}, earlier: []Usage{{noon.Add(-time.Second), 1}}, giveUp: hour, takes: 30 * time.Second, fit: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			for i := range tt.earlier {
				tt.earlier[i].Second = start.Add(tt.earlier[i].Second.Sub(noon))
			}
			got := Foresee(tt.n, tt.rates, tt.earlier, tt.giveUp)
			near := func(got, want time.Duration) bool {
				return got >= want-2*time.Second && got <= want+want/50+2*time.Second
			}
			if got.Fit != tt.fit || !near(got.Takes, tt.takes) {
				t.Errorf("%s: %d calls fit and take %v, want %d and %v", tt.name, got.Fit, got.Takes, tt.fit, tt.takes)
			}
			if got.Fit < tt.n && !near(got.Resume.Sub(start), tt.resume) {
				t.Errorf("%s: go on after %v, want %v", tt.name, got.Resume.Sub(start), tt.resume)
			}
		})
	}
}
