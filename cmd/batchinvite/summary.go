package main

import (
	"fmt"
	"strings"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
)

// summarise says what a run came to.
func summarise(t pipeline.Totals, took time.Duration, paced, places, next string) string {
	var b strings.Builder
	word := "done"
	if len(t.Stops) > 0 {
		word = "so far"
	}
	fmt.Fprintf(&b, "%s: %s in %s, %.1f rows/s\n", word, count(t.Rows, "row"), short(took), float64(t.Rows)/max(took.Seconds(), 0.001))
	countLines(&b, t.Counts)
	if t.Calls > 0 {
		fmt.Fprintf(&b, "%s, half within %s, 95 %% within %s\n", count(t.Calls, "call"), short(t.P50), short(t.P95))
	}
	b.WriteString(paced)
	b.WriteString(places)
	b.WriteString(troubles(t, next))
	return b.String()
}

func countLines(b *strings.Builder, counts map[invite.Status]int) {
	for _, s := range invite.Statuses {
		if n := counts[s]; n > 0 {
			fmt.Fprintf(b, "  %-15s %8d\n", s, n)
		}
	}
}

// troubles are what must be said in any case: why a run stopped, and what nobody but a person can settle.
func troubles(t pipeline.Totals, next string) string {
	var b strings.Builder
	needsPerson := false
	for _, s := range t.Stops {
		fmt.Fprintf(&b, "stopped: %s\n", s.Reason)
		needsPerson = needsPerson || s.Kind == invite.StopPerson
	}
	if n := t.Counts[invite.StatusUnknown]; n > 0 {
		fmt.Fprintf(&b, "%s unknown: the results say what to look up and what to type\n", areIs(n))
	}
	switch {
	case needsPerson:
		fmt.Fprintf(&b, "hint: mend that, then go on: %s\n", next)
	case len(t.Stops) > 0:
		fmt.Fprintf(&b, "hint: to go on: %s\n", next)
	}
	return b.String()
}

// count is "1 row" or "2 rows".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "person":
		return fmt.Sprintf("%d people", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func areIs(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
