package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pace"
)

// usage gives the calls of earlier runs that may still count at the vendor; none if there is no ledger yet.
func (s *settings) usage(ctx context.Context, led ledger.Ledger) (earlier []pace.Usage, err error) {
	if led == nil {
		return nil, nil
	}
	used, err := led.Usage(ctx, time.Now().Add(-pace.Memory(s.rates.values)))
	for _, u := range used {
		earlier = append(earlier, pace.Usage(u))
	}
	return earlier, err
}

// limiter is the pace of a run, which goes on where earlier ones stopped.
func (s *settings) limiter(ctx context.Context, led ledger.Ledger) (*pace.Limiter, error) {
	earlier, err := s.usage(ctx, led)
	if err != nil {
		return nil, err
	}
	return pace.New(s.rates.values, s.giveUpAfter, earlier...), nil
}

// paceLines say how long the calls take, and whether a quota will stop them.
func (s *settings) paceLines(t *strings.Builder, n int, earlier []pace.Usage) {
	now := time.Now()
	f := pace.Foresee(n, s.rates.values, earlier, s.giveUpAfter)
	fmt.Fprintf(t, "%s at %s: ", count(n, "call"), &s.rates)
	switch {
	case f.Fit < n:
		fmt.Fprintf(t, "%d fit before the quota %s is used up", f.Fit, f.Rate)
		if f.Fit > 0 {
			fmt.Fprintf(t, ", after about %s", short(f.Takes))
		}
		fmt.Fprintf(t, "\n  the run stops then (exit 3), as the quota opens again at %s, later than --give-up-after %s: run again from then on\n",
			f.Resume.UTC().Format(time.RFC3339), short(s.giveUpAfter))
	case f.Takes < time.Second:
		t.WriteString("less than a second\n")
	default:
		fmt.Fprintf(t, "about %s, until %s\n", short(f.Takes), now.Add(f.Takes).Format("2006-01-02 15:04 MST"))
	}
}

// fewForShare are too few calls for a share of a quota to mean anything.
const fewForShare = 10

// paceSummary tells how much of the quota a run used, and what kept it from using more; "" if there is nothing to say.
func (s *settings) paceSummary(p pace.Stats, calls int, took time.Duration) string {
	var parts []string
	if rates := s.rates.values; calls >= fewForShare {
		shortest := slices.MinFunc(rates, func(a, b pace.Rate) int { return int(a.Per - b.Per) })
		if took >= shortest.Per {
			parts = append(parts, fmt.Sprintf("%.0f %% of %s used", 100*min(1, shortest.Share(calls, took)), shortest))
		}
	}
	for _, u := range p.Used {
		if u.Rate.Per > took && slices.Contains(s.rates.values, u.Rate) {
			parts = append(parts, fmt.Sprintf("%d of %s used", u.Calls, u.Rate))
		}
	}
	if p.Refused > 0 {
		parts = append(parts, fmt.Sprintf("%s refused for its pace (429, 503)", count(p.Refused, "call")))
	}
	if p.Lost >= time.Second {
		parts = append(parts, short(p.Lost)+" lost to pauses")
	}
	if slowed := slowed(p); slowed != "" {
		parts = append(parts, slowed)
	}
	if len(parts) == 0 {
		return ""
	}
	return "pace: " + strings.Join(parts, ", ") + "\n"
}

// slowed tells by how much and why the pace is under the one stated; "" if it is not.
func slowed(p pace.Stats) string {
	var parts []string
	if p.Factor < 0.995 {
		parts = append(parts, fmt.Sprintf("slowed down to %.0f %%", 100*p.Factor))
	}
	if p.Serial {
		parts = append(parts, "one call at a time, as the vendor allows no burst")
	}
	for _, r := range p.Learned {
		parts = append(parts, fmt.Sprintf("the vendor states %s", r))
	}
	return strings.Join(parts, ", ")
}
