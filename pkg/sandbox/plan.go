package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plan says how often what goes wrong. The zero value is never. At most one kind befalls a call, latency apart.
type Plan struct {
	Chances []Chance // sorted by kind; the probabilities add up to at most 1
	Latency Latency
}

// Chance is the probability of one kind, from 0 to 1.
type Chance struct {
	Kind        Kind
	Probability float64
	RetryAfter  time.Duration // of Throttled and Unavailable
}

// Latency befalls a call with the probability given: Fixed, plus an even share of Jitter.
type Latency struct {
	Probability   float64
	Fixed, Jitter time.Duration
}

// defaultRetryAfter stands where a plan names none.
const defaultRetryAfter = time.Second

// draw gives the fault that a plan has for a chance.
func (p Plan) draw(c chance) Fault {
	dice := c.dice()
	roll, late, jitter := dice.Float64(), dice.Float64(), dice.Float64()
	var f Fault
	if late < p.Latency.Probability {
		f.Latency = p.Latency.Fixed + time.Duration(jitter*float64(p.Latency.Jitter))
	}
	for _, ch := range p.Chances {
		if roll < ch.Probability {
			f.Kind, f.RetryAfter = ch.Kind, ch.RetryAfter
			break
		}
		roll -= ch.Probability
	}
	return f
}

// String gives the plan in the form that ParsePlan reads.
func (p Plan) String() string {
	var parts []string
	for _, c := range p.Chances {
		s := string(c.Kind) + "=" + formatProbability(c.Probability)
		if kind, _ := c.Kind.behaviour(); kind.retryAfter && c.RetryAfter != defaultRetryAfter {
			s += ":" + c.RetryAfter.String()
		}
		parts = append(parts, s)
	}
	if l := p.Latency; l != (Latency{}) {
		s := "latency="
		if l.Probability != 1 {
			s += formatProbability(l.Probability) + ":"
		}
		s += l.Fixed.String()
		if l.Jitter != 0 {
			s += "+" + l.Jitter.String()
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ",")
}

func formatProbability(p float64) string { return strconv.FormatFloat(p, 'g', -1, 64) }

// ParsePlan reads a comma-separated list such as "429=0.05:2s,500-after=0.02,latency=20ms+10ms". Each item is a kind and
// its probability, for 429 and 503 with a Retry-After (1s if none is given). latency has a duration, which may be
// followed by +JITTER and preceded by a probability, as in latency=0.1:2s. "" is the plan without faults.
func ParsePlan(text string) (Plan, error) {
	var p Plan
	seen := make(map[string]bool)
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" && strings.TrimSpace(text) == "" {
			return p, nil
		}
		kind, value, _ := strings.Cut(item, "=")
		if err := p.add(kind, value); err != nil {
			return Plan{}, fmt.Errorf("fault %q: %w", item, err)
		}
		if seen[kind] {
			return Plan{}, fmt.Errorf("fault %q: %s is given twice", item, kind)
		}
		seen[kind] = true
	}
	// Sorted, so that the same faults in another order are the same plan.
	slices.SortFunc(p.Chances, func(a, b Chance) int { return cmp.Compare(a.Kind, b.Kind) })
	var sum float64
	for _, c := range p.Chances {
		sum += c.Probability
	}
	if sum > 1+1e-9 { // ten times 0.1 is a little more than 1
		return Plan{}, fmt.Errorf("faults %q: the probabilities add up to %.3g, which is more than 1", text, sum)
	}
	return p, nil
}

func (p *Plan) add(kind, value string) (err error) {
	if kind == "latency" {
		p.Latency, err = parseLatency(value)
		return err
	}
	k, known := Kind(kind).behaviour()
	if !known || kind == "" {
		return fmt.Errorf("unknown kind, use latency or one of %s", Kinds())
	}
	c := Chance{Kind: Kind(kind)}
	if k.retryAfter {
		c.RetryAfter = defaultRetryAfter
	}
	number, wait, hasWait := strings.Cut(value, ":")
	if c.Probability, err = parseProbability(number); err != nil {
		return err
	}
	if hasWait {
		if !k.retryAfter {
			return fmt.Errorf("%s has no Retry-After", kind)
		}
		if c.RetryAfter, err = parseDuration(wait); err != nil {
			return err
		}
	}
	p.Chances = append(p.Chances, c)
	return nil
}

func parseLatency(value string) (l Latency, err error) {
	l.Probability = 1
	if number, rest, ok := strings.Cut(value, ":"); ok {
		if l.Probability, err = parseProbability(number); err != nil {
			return Latency{}, err
		}
		value = rest
	}
	fixed, jitter, hasJitter := strings.Cut(value, "+")
	if l.Fixed, err = parseDuration(fixed); err != nil {
		return Latency{}, err
	}
	if hasJitter {
		l.Jitter, err = parseDuration(jitter)
	}
	return l, err
}

func parseProbability(s string) (float64, error) {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(p) || p < 0 || p > 1 {
		return 0, fmt.Errorf("%q is not a probability from 0 to 1", s)
	}
	return p, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 20ms", s)
	}
	return d, nil
}

// Kinds lists the kinds of faults as a plan spells them.
func Kinds() string {
	names := []string{everyRefusal}
	for k := range kinds {
		if k != "" && k != Throttled {
			names = append(names, string(k))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
