package main

import (
	"errors"

	"batchinvite/pkg/ledger"
)

// placeHints are what can be done about a ledger that can't be used where it is.
func placeHints(err error) []string {
	switch {
	case errors.Is(err, ledger.ErrFull):
		return []string{"make room on the disk that holds the ledger"}
	case errors.Is(err, ledger.ErrUnwritable):
		return []string{"let this user write to the ledger and to its folder"}
	case errors.Is(err, ledger.ErrReplaced):
		return []string{"put the ledger back with the files beside it, then run again",
			"if it is lost, tell the next one whom this run invited: batchinvite import RESULTS"}
	case errors.Is(err, ledger.ErrNewer):
		return []string{"install that version here too; the one here: batchinvite version"}
	case errors.Is(err, ledger.ErrNetwork):
		return []string{"keep it on a disk of this machine: --ledger FILE",
			"or if no other machine ever uses it: --allow-network-ledger"}
	}
	return nil
}

// hintsAfter are the ways on after a run that failed.
func (r *run) hintsAfter(err error, out *output) []string {
	hints := placeHints(err)
	if !errors.Is(err, ledger.ErrReplaced) {
		hints = append(hints, "the ledger knows what was done: run again to go on")
	}
	hints = append(hints, out.left()...)
	if len(out.lost) > 0 {
		hints = append(hints, "or make the results of what was done: batchinvite export "+quoted(r.batch.names()...)+r.place.flags())
	}
	return hints
}
