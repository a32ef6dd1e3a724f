package pipeline_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"batchinvite/pkg/invite"
)

// fault is what a simulated call comes to: whether the vendor acts, and what the client learns of it.
type fault struct {
	name   string
	acts   bool
	answer func(f invite.Format) invite.Answer
}

func lost(why string, fails bool) func(invite.Format) invite.Answer {
	return func(f invite.Format) invite.Answer {
		a := ambiguous(f)
		a.Outcome.Error, a.Failing = why, fails
		return a
	}
}

func refusal(a invite.Answer) func(invite.Format) invite.Answer {
	return func(invite.Format) invite.Answer { return a }
}

func asksToWait(a invite.Answer) invite.Answer {
	a.Pause, a.Failing = 7*time.Second, false
	return a
}

// faults are the lines of the table of answers. Each vendor has its own mix of them.
var faults = []fault{
	{"422", false, refusal(rejected(422))},
	{"404", false, refusal(rejected(404))},
	{"403", false, refusal(forbidden())},
	{"425", false, refusal(refused(true))},
	{"429", false, refusal(throttled(0))},
	{"429 with Retry-After", false, refusal(throttled(9 * time.Second))},
	{"unreachable", false, refusal(failing(unreachable()))},
	{"stale connection", false, refusal(unreachable())},
	{"500 before", false, lost("500", true)},
	{"500 after", true, lost("500", true)},
	{"reset before", false, lost("reset", true)},
	{"reset after", true, lost("reset", true)},
	{"408", true, lost("408", false)},
	{"503 with Retry-After, before", false, func(f invite.Format) invite.Answer { return asksToWait(lost("503", false)(f)) }},
	{"503 with Retry-After, after", true, func(f invite.Format) invite.Answer { return asksToWait(lost("503", false)(f)) }},
	{"garbage", true, func(f invite.Format) invite.Answer {
		a := lost("garbage", true)(f)
		a.StopIfFirst = &invite.Stop{Kind: invite.StopPerson, Reason: "this does not look like the vendor's API"}
		return a
	}},
	{"used up", false, func(invite.Format) invite.Answer {
		a := refused(false)
		a.Stop = &invite.Stop{Kind: invite.StopPerson, Reason: "used up"}
		return a
	}},
}

// person is one key in one format, as the vendor sees it.
type person struct {
	key    invite.Key
	format invite.Format
}

// simVendor answers by chances that depend on nothing but the seed, the person and the number of the person's call, so
// that the order in which the workers come does not matter.
type simVendor struct {
	seed    uint64
	chances []float64 // of each fault
	outages []outage
	slow    time.Duration

	mu    sync.Mutex
	calls map[person]int
	acted map[person]int
	dark  map[person]int // calls after which nobody can know whether it acted
	links map[person][]string
	at    []time.Time    // of each request that left
	check func(p person) // of each request, before it is worked on
}

// outage is a time in which every call ends in the same way.
type outage struct {
	from, to time.Time
	fault    fault
}

func newSimVendor(seed uint64, dice *rand.Rand) *simVendor {
	v := &simVendor{seed: seed, calls: map[person]int{}, acted: map[person]int{}, dark: map[person]int{}, links: map[person][]string{},
		slow: time.Duration(dice.IntN(5000)) * time.Millisecond}
	v.trouble(dice)
	return v
}

// trouble draws a new mix of faults.
func (v *simVendor) trouble(dice *rand.Rand) {
	v.chances = make([]float64, len(faults))
	for range dice.IntN(6) {
		v.chances[dice.IntN(len(faults)-1)] += 0.3 * dice.Float64()
	}
	v.chances[len(faults)-1] = 0.002
	v.outages = nil
	for range dice.IntN(3) {
		from := time.Now().Add(time.Duration(dice.IntN(120)) * time.Second)
		kind := faults[6+dice.IntN(7)]
		v.outages = append(v.outages, outage{from, from.Add(time.Duration(dice.IntN(1500)) * time.Second), kind})
	}
}

// heal leaves nothing that goes wrong.
func (v *simVendor) heal() { v.chances, v.outages = nil, nil }

func (v *simVendor) roll(p person, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, p.key, p.format)
	_ = binary.Write(h, binary.LittleEndian, int64(n)) // a hash takes everything
	return rand.New(rand.NewPCG(v.seed, h.Sum64()))
}

func (v *simVendor) draw(dice *rand.Rand) *fault {
	for _, o := range v.outages {
		if now := time.Now(); now.After(o.from) && now.Before(o.to) {
			return &o.fault
		}
	}
	roll := dice.Float64()
	for i, chance := range v.chances {
		if roll -= chance; roll < 0 {
			return &faults[i]
		}
	}
	return nil
}

// call has the type invite.Call.
func (v *simVendor) call(ctx context.Context, c invite.Candidate, _ string) invite.Answer {
	a := v.work(ctx, person{c.Key, c.Format})
	a.Outcome.At = time.Now().UTC()
	return a
}

func (v *simVendor) work(ctx context.Context, p person) invite.Answer {
	v.mu.Lock()
	v.calls[p]++
	n := v.calls[p]
	v.mu.Unlock()
	v.check(p)
	dice := v.roll(p, n)
	f := v.draw(dice)
	if f == nil || !f.answer(p.format).Outcome.NotLeft {
		v.mu.Lock()
		v.at = append(v.at, time.Now())
		v.mu.Unlock()
	}
	link := fmt.Sprintf("https://vendor.example.org/%s/%s/%d", p.key.Email, p.format, n)
	if f == nil || f.acts {
		v.mu.Lock()
		v.acted[p]++
		v.links[p] = append(v.links[p], link)
		v.mu.Unlock()
	}
	aborted := false
	select {
	case <-time.After(time.Duration(dice.Int64N(int64(v.slow) + 1))):
	case <-ctx.Done():
		aborted = true
	}
	switch {
	case aborted:
		v.darken(p)
		return lost("aborted", true)(p.format)
	case f == nil:
		a := invited()
		a.Outcome.Link = link
		return a
	}
	a := f.answer(p.format)
	if a.Class == invite.ClassAmbiguous {
		v.darken(p)
	}
	return a
}

func (v *simVendor) darken(p person) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dark[p]++
}
