package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

// limiters are what others wrote and what it can be made to do. In the long run all allow 40 calls a second, or in the long
// version of the test 10, which leave a small machine idle enough to keep the pace.
func limiters() []limiter {
	rate, window := 40, 5
	if os.Getenv("BATCHINVITE_SOAK") != "" {
		rate, window = 10, 60
	}
	burst, none := fmt.Sprintf("burst=%d nodelay", rate), ""
	all := []limiter{
		{"nginx, burst", true, rate, 1, 429, nginx, burst},
		{"nginx, no burst", false, rate, 1, 429, nginx, none},
		{"nginx, burst", true, rate, 1, 503, nginx, burst},
		{"nginx, no burst", false, rate, 1, 503, nginx, none},
	}
	for _, headers := range []string{"legacy", "draft-6", "draft-7", "draft-8"} {
		all = append(all, limiter{"express, " + headers, true, rate * window, window, 429, express, headers})
	}
	return all
}

// TestRealLimits runs the program against limiters that nobody here wrote, told of the rate that they have and of twice
// that: everybody is invited, and nobody twice.
func TestRealLimits(t *testing.T) {
	program := buildProgram(t)
	all := limiters()
	table := make([]string, 2*len(all))
	t.Run("group", func(t *testing.T) {
		for i := range table {
			l, times := all[i/2], 1+i%2
			t.Run(fmt.Sprintf("%s, %d, told %d times its rate", l.name, l.refusal, times), func(t *testing.T) {
				t.Parallel()
				f := l.figures(t, program, times)
				l.judge(t, f, times)
				table[i] = fmt.Sprintf("%-17s %7s %7d %5d %6d %7.1f%% %6.1f%% %5.0f s %7.1f%%", l.name, l.stated(times), l.refusal,
					f.runs, f.calls, 100*f.refused, 100*f.late, f.seconds, 100*f.used)
			})
		}
	})
	table = slices.DeleteFunc(table, func(line string) bool { return line == "" }) // not run, or it failed early
	t.Logf("later: of the calls after the first minute; used: of the quota, over 100 %% where a burst or a window begun counts in full\n%-17s %7s %7s %5s %6s %8s %7s %7s %8s\n%s", "limiter", "stated", "refusal",
		"runs", "calls", "refused", "later", "time", "used", strings.Join(table, "\n"))
}

// figures are as the limiter saw them, from the first call to the last.
type figures struct {
	runs, calls   int
	refused, late float64 // share of the calls, and of those after the first minute
	seconds       float64
	used          float64 // share of the quota
}

func (l limiter) stated(times int) string { return fmt.Sprintf("%d/%ds", l.calls*times, l.seconds) }

// figures invites more people than a window has room for. A bare 503 looks like a fault, not like a limit, so that some
// people may be left to the next run.
func (l limiter) figures(t *testing.T, program string, times int) (f figures) {
	t.Helper()
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = program
	stop := w.behind(l)
	n, format, mostRuns := 260, "sendlink", 1
	if !l.burst {
		n = 60 // each call that comes a little early costs a pause of a second
	}
	if l.refusal == 503 {
		format, mostRuns = "getlink", 3
	} else if os.Getenv("BATCHINVITE_SOAK") != "" {
		n *= 8
	}
	w.write("c.csv", people(n, format))
	w.mustRun(0, "init")
	for code := -1; code != 0 && f.runs < mostRuns; f.runs++ {
		r := w.start("run", "c.csv", "--yes", "--rate", l.stated(times))
		<-r.done
		if code = r.ProcessState.ExitCode(); code != 0 && f.runs == mostRuns-1 {
			t.Errorf("exit code %d of run %d, want everybody invited\n%s", code, f.runs+1, r.text())
		}
	}
	w.wantHonest("c.results.csv")
	if got, twice := w.vendor.Invitations(), w.vendor.Duplicates(format); got != n || len(twice) > 0 {
		t.Errorf("%d invitations of %d people, %d of them invited more than once", got, n, len(twice))
	}
	answers := stop()
	if len(answers) < n {
		t.Fatalf("the limiter knows of %d calls, want at least %d", len(answers), n)
	}
	f.count(answers, l)
	return f
}

func (f *figures) count(answers []answer, l limiter) {
	first := answers[0].at
	var refused, late, lateRefused float64
	for _, a := range answers {
		if a.status == l.refusal {
			refused++
		}
		if a.at > first+60 {
			late++
			if a.status == l.refusal {
				lateRefused++
			}
		}
	}
	f.calls = len(answers)
	f.refused, f.late = refused/float64(f.calls), lateRefused/max(late, 1)
	f.seconds = answers[f.calls-1].at - first
	f.used = (float64(f.calls) - refused - 1) / f.seconds * float64(l.seconds) / float64(l.calls)
}

// judge compares figures with what is promised. Without any burst, jitter alone makes some calls come too early.
func (l limiter) judge(t *testing.T, f figures, times int) {
	t.Helper()
	if times == 1 && l.burst && f.refused > 0 {
		t.Errorf("%.1f %% of the calls were refused at the limiter's own rate, want none", 100*f.refused)
	}
	if times == 1 && l.seconds >= 60 && f.used < 0.98 {
		t.Errorf("%.1f %% of the quota used, want 98 %%", 100*f.used)
	}
	if l.refusal == 429 && f.late > 0.05 {
		t.Errorf("%.1f %% of the calls after the first minute were refused, want at most 5 %%", 100*f.late)
	}
}
