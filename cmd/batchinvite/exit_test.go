package main

import (
	"errors"
	"fmt"
	"testing"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
	"batchinvite/pkg/sheet"
)

func TestCodeOf_mapsErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{usagef("bad flag"), exitUsage},
		{fmt.Errorf("check: %w", &sheet.Error{File: "c.csv", Reason: "is empty"}), exitUsage},
		{fmt.Errorf("open: %w", &ledger.Held{}), exitHeld},
		{errors.New("disk full"), exitInternal},
		{fmt.Errorf("open: %w", ledger.ErrNetwork), exitUsage},
		{errors.Join(&failure{code: exitPerson, err: errors.New("key refused")}, errors.New("close")), exitPerson},
		{finished{exitUnknown}, exitUnknown},
	} {
		if got, _ := codeOf(tt.err); got != tt.want {
			t.Errorf("codeOf(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestOneLine_saysNothingTwice(t *testing.T) {
	full := errors.New("write to ledger: the disk is full")
	for want, err := range map[string]error{
		"claim Ann: write to ledger: the disk is full":             errors.Join(fmt.Errorf("claim Ann: %w", full), full, full),
		"write to ledger: the disk is full; close: bad descriptor": errors.Join(full, errors.New("close: bad descriptor"), full),
	} {
		if got := oneLine(err); got != want {
			t.Errorf("oneLine = %q, want %q", got, want)
		}
	}
}

// When several things hold, the order is 130 and 143, 5, 7, 3, 4, 1: each line adds a graver one to those before.
func TestCodeOfRun_theGravestCounts(t *testing.T) {
	totals := pipeline.Totals{Rows: 3, Reached: 3, Counts: map[invite.Status]int{}}
	var runErr error
	stop := func(kind invite.StopKind) func() {
		return func() { totals.Stops = append(totals.Stops, &invite.Stop{Kind: kind}) }
	}
	for _, tt := range []struct {
		add  func()
		want int
	}{
		{func() {}, exitDone},
		{func() { totals.Reached = 1 }, exitSomeFailed},
		{func() { totals.Counts[invite.StatusUnknown] = 1 }, exitUnknown},
		{stop(invite.StopLater), exitLater},
		{stop(invite.StopPerson), exitPerson},
		{func() { runErr = errors.New("disk full") }, exitInternal},
		{stop(invite.StopTerminated), exitTerminated},
		{stop(invite.StopInterrupted), exitInterrupted},
	} {
		tt.add()
		if got := codeOfRun(totals, runErr); got != tt.want {
			t.Errorf("codeOfRun(%+v, %v) = %d, want %d", totals, runErr, got, tt.want)
		}
	}
}

func TestCodeOfRun_pilots(t *testing.T) {
	pilot := pipeline.Totals{Rows: 9, Reached: 1, OverLimit: 7, Counts: map[invite.Status]int{}}
	if got := codeOfRun(pilot, nil); got != exitDone {
		t.Errorf("a pilot whose rows are invited: %d, want %d", got, exitDone)
	}
	pilot.Missed = 1
	if got := codeOfRun(pilot, nil); got != exitSomeFailed {
		t.Errorf("a pilot with a row that is not: %d, want %d", got, exitSomeFailed)
	}
}
