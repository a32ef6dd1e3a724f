package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
	"batchinvite/pkg/sheet"
)

// Exit codes. This is the one map; the help texts print it.
const (
	exitDone        = 0
	exitSomeFailed  = 1
	exitUsage       = 2
	exitLater       = 3
	exitUnknown     = 4
	exitInternal    = 5
	exitHeld        = 6
	exitPerson      = 7
	exitInterrupted = 130
	exitTerminated  = 143
)

var exitTexts = []struct {
	code int
	text string
}{
	{exitDone, "every row is invited (now or before); no rows; a pilot that worked"},
	{exitSomeFailed, "finished; some rows are invalid, rejected or not sent"},
	{exitUsage, "usage, configuration, guard or unreadable input; nothing was sent"},
	{exitLater, "stopped early, come back later; run again to go on"},
	{exitUnknown, "unknown rows of this input remain"},
	{exitInternal, "ledger, disk or internal error"},
	{exitHeld, "another run holds the ledger"},
	{exitPerson, "stopped, needs a person: key refused, invites used up, wrong base URL, certificate"},
	{exitInterrupted, "interrupted; run again to go on"},
	{exitTerminated, "terminated; run again to go on"},
}

func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitTexts {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.text)
	}
	return b.String()
}

// failure is an error with its exit code, and commands to type that help.
type failure struct {
	code  int
	err   error
	hints []string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(err error, hints ...string) error { return &failure{exitUsage, err, hints} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// finished is the end of a run whose summary has said everything already. It never comes together with an error.
type finished struct{ code int }

func (f finished) Error() string { return fmt.Sprintf("exit code %d", f.code) }

// codeOf maps an error to its exit code and hints.
func codeOf(err error) (code int, hints []string) {
	var (
		f    *failure
		done finished
		held *ledger.Held
		bad  *sheet.Error
	)
	switch {
	case err == nil:
		return exitDone, nil
	case errors.As(err, &done):
		return done.code, nil
	case errors.As(err, &f):
		return f.code, f.hints
	case errors.As(err, &held):
		return exitHeld, []string{"wait for it with --wait 10m, or run again later"}
	case errors.As(err, &bad):
		if bad.Hint != "" {
			hints = []string{bad.Hint}
		}
		return exitUsage, hints
	}
	if errors.Is(err, ledger.ErrNetwork) {
		return exitUsage, placeHints(err)
	}
	return exitInternal, placeHints(err)
}

// codeOfRun maps what a run came to. Where several things hold, the first of them counts.
func codeOfRun(t pipeline.Totals, runErr error) int {
	stopped := func(kind invite.StopKind) bool {
		return slices.ContainsFunc(t.Stops, func(s *invite.Stop) bool { return s.Kind == kind })
	}
	pilot := t.OverLimit > 0 && t.Missed == 0
	switch {
	case stopped(invite.StopInterrupted):
		return exitInterrupted
	case stopped(invite.StopTerminated):
		return exitTerminated
	case runErr != nil:
		code, _ := codeOf(runErr)
		return code
	case stopped(invite.StopPerson):
		return exitPerson
	case stopped(invite.StopLater):
		return exitLater
	case t.Counts[invite.StatusUnknown] > 0:
		return exitUnknown
	case t.Reached < t.Rows && !pilot:
		return exitSomeFailed
	}
	return exitDone
}
