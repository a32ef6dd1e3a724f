package pace

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// latencies are how long a call takes, by their mean: log-normal, and of a few calls ten times as long.
var latencies = []struct {
	name          string
	mean          time.Duration
	sigma, spikes float64 // spikes: the share of long ones
}{
	{"50 ms", 50 * time.Millisecond, 0, 0},
	{"0.2 s", 200 * time.Millisecond, 0.4, 0.01},
	{"0.5 s", 500 * time.Millisecond, 0.3, 0.01},
	{"1 s", time.Second, 0.3, 0.01},
}

// client is everything of a run that matters for the pace: workers, a ledger that remembers calls by the second, and a
// vendor.
type client struct {
	stated Rate
	server server
	asks   bool // its refusals say Retry-After
	dice   *rand.Rand
	draw   func(*rand.Rand) time.Duration // of a latency

	mu       sync.Mutex
	calls    []bool // in the order of their arrival: was it taken
	arrivals []time.Time
	ledger   map[int64]int
	open     int // claims without an answer
}

// figures are what comes out.
type figures struct {
	calls, taken, refused int
	used                  float64 // of the quota
}

// run makes calls for a time, with a kill -9 in its middle.
func (c *client) run(t *testing.T, kill, total time.Duration) {
	c.ledger = map[int64]int{}
	start := time.Now()
	c.process(t, kill)
	c.ledger[time.Now().Unix()] += c.open // the next one finds them dead
	c.open = 0
	mustSleep(t, 300*time.Millisecond)
	c.process(t, total-time.Since(start))
}

// process is one run of the program, which is killed at its end.
func (c *client) process(t *testing.T, d time.Duration) {
	var earlier []Usage
	for second, calls := range c.ledger {
		earlier = append(earlier, Usage{time.Unix(second, 0), calls})
	}
	l := New([]Rate{c.stated}, 30*24*time.Hour, earlier...)
	ctx, kill := context.WithTimeout(t.Context(), d)
	defer kill()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for {
				slot, err := l.Wait(ctx)
				if err != nil {
					return
				}
				c.call(ctx, t, l, slot)
			}
		})
	}
	wg.Wait()
}

func (c *client) call(ctx context.Context, t *testing.T, l *Limiter, slot Slot) {
	c.mu.Lock()
	took := c.draw(c.dice)
	there := time.Duration(c.dice.Float64() * float64(took))
	c.open++
	c.mu.Unlock()
	mustSleep(t, there) // also of a killed process: the request is on its way
	c.mu.Lock()
	taken := c.server.take(time.Now())
	wait := time.Duration(math.Ceil(c.server.retryAfter(time.Now()).Seconds())) * time.Second
	c.calls, c.arrivals = append(c.calls, taken), append(c.arrivals, time.Now())
	c.mu.Unlock()
	if Sleep(ctx, took-there) != nil {
		return
	}
	c.mu.Lock()
	c.open--
	c.ledger[time.Now().Unix()]++
	c.mu.Unlock()
	switch {
	case taken:
	case c.asks:
		l.Pause(wait, "429, Retry-After")
	default:
		l.Backoff("429")
	}
	slot.Ended(Heard{Accepted: taken, Refused: !taken})
}

func mustSleep(t *testing.T, d time.Duration) {
	if err := Sleep(context.WithoutCancel(t.Context()), d); err != nil {
		t.Error(err)
	}
}

func (c *client) figures(quota Rate, total time.Duration) (f figures) {
	for _, taken := range c.calls {
		if f.calls++; taken {
			f.taken++
		} else {
			f.refused++
		}
	}
	f.used = float64(f.taken) / (float64(quota.Calls) * float64(total) / float64(quota.Per))
	return f
}

// simulate gives the figures of one server, quota and latency, from a seed of its own.
func simulate(t *testing.T, kind, latency int, stated, real Rate, asks bool, total time.Duration) (f figures, c *client) {
	h := fnv.New64()
	fmt.Fprint(h, kind, latency, stated, real, asks)
	synctest.Test(t, func(t *testing.T) {
		lat := latencies[latency]
		c = &client{stated: stated, asks: asks, dice: rand.New(rand.NewPCG(h.Sum64(), 0)), draw: func(dice *rand.Rand) time.Duration {
			d := time.Duration(float64(lat.mean) / (1 + 9*lat.spikes) * math.Exp(lat.sigma*dice.NormFloat64()-lat.sigma*lat.sigma/2))
			if dice.Float64() < lat.spikes {
				d *= 10
			}
			return d
		}}
		phase := time.Duration(c.dice.Float64() * float64(real.Per))
		c.server = serverKinds[kind].make(real, time.Now(), phase)
		kill := time.Duration((0.2 + 0.3*c.dice.Float64()) * float64(total))
		c.run(t, kill, total)
		f = c.figures(real, total)
	})
	return f, c
}

var quotas = []struct {
	rate  Rate
	total time.Duration
}{
	{Rate{2, time.Second}, 15 * time.Minute},
	{Rate{10, time.Second}, 5 * time.Minute},
	{Rate{50, 5 * time.Second}, 5 * time.Minute},
	{Rate{60, time.Minute}, 45 * time.Minute},
	{Rate{100, time.Minute}, 30 * time.Minute},
	{Rate{1000, time.Hour}, 3 * time.Hour},
	{Rate{5000, 24 * time.Hour}, 2 * 24 * time.Hour},
}

// Invariant 9. Each campaign is killed and started again in the middle of a window.
func TestServers_allOfTheQuotaAndNoRefusal(t *testing.T) {
	for k, kind := range serverKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for _, q := range quotas {
				line := fmt.Sprintf("| %s | %s |", kind.name, q.rate)
				for i, lat := range latencies {
					if raceDetector && i != 1 {
						continue
					}
					f, _ := simulate(t, k, i, q.rate, q.rate, false, q.total)
					line += fmt.Sprintf(" %.1f %%, %d |", 100*f.used, f.refused)
					if !kind.burst {
						continue // jitter alone makes it refuse
					}
					if q.rate.Per >= shortWindow && f.refused > 0 {
						t.Errorf("%s, %s, %s: %d of %d calls refused, want none", kind.name, q.rate, lat.name, f.refused, f.calls)
					}
					least := 0.98
					if lat.mean > 500*time.Millisecond {
						least = 0.95
					}
					if q.rate.Per >= time.Minute && f.used < least {
						t.Errorf("%s, %s, %s: %.1f %% of the quota used, want %.0f %%", kind.name, q.rate, lat.name, 100*f.used, 100*least)
					}
				}
				t.Log(line)
			}
		})
	}
}

// A quota that is only half of what is stated is found out. No call is lost: what is refused is tried again.
func TestServers_bearablePaceOfAWrongQuota(t *testing.T) {
	for k, kind := range serverKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for _, q := range quotas {
				for asks, name := range map[bool]string{true: "with Retry-After", false: "without"} {
					line := fmt.Sprintf("| %s, %s | %s, stated twice that |", kind.name, name, q.rate)
					for i, lat := range latencies {
						if i%2 == 0 && os.Getenv("BATCHINVITE_SOAK") == "" || raceDetector && i != 1 {
							line += " |"
							continue
						}
						f, c := simulate(t, k, i, Rate{2 * q.rate.Calls, q.rate.Per}, q.rate, asks, q.total)
						late := c.refusedAfter(time.Minute)
						line += fmt.Sprintf(" %.1f %%, %.1f %% refused |", 100*f.used, 100*late)
						// Without burst, one answer must have come before the next call: at long latencies little but the trials
						// of something faster is left.
						if late > 0.05 && (kind.burst || lat.mean < time.Second) {
							t.Errorf("%s, %s, %s, %s: %.1f %% of the calls after the first minute refused, want at most 5 %%",
								kind.name, name, q.rate, lat.name, 100*late)
						}
					}
					t.Log(line)
				}
			}
		})
	}
}

// refusedAfter is the share of the calls that were refused, of those that arrived after a time.
func (c *client) refusedAfter(d time.Duration) float64 {
	calls, refused := 0, 0
	for i, at := range c.arrivals {
		if at.Sub(c.arrivals[0]) > d {
			if calls++; !c.calls[i] {
				refused++
			}
		}
	}
	return float64(refused) / float64(max(calls, 1))
}
