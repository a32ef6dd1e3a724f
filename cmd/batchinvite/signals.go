package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"batchinvite/pkg/invite"
)

// watchSignals gives the two contexts of a run. The first SIGINT, SIGTERM or SIGHUP ends take: no more rows, calls in flight
// finish. The second ends abort: they are given up. release ends the watching.
func (u *ui) watchSignals(parent context.Context) (take, abort context.Context, release func()) {
	take, stop := context.WithCancelCause(parent)
	abort, giveUp := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // not under nohup
		signal.Notify(signals, syscall.SIGHUP) // a terminal that goes away is no reason to leave calls unrecorded
	}
	signal.Ignore(syscall.SIGPIPE) // nor is a reader of stdout or stderr that goes: then writing fails, and that is handled
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		first, open := <-signals
		if !open {
			return
		}
		why := &invite.Stop{Kind: invite.StopInterrupted, Reason: "interrupted"}
		if first != syscall.SIGINT {
			why = &invite.Stop{Kind: invite.StopTerminated, Reason: "terminated"}
		}
		stop(why)
		u.sayf("batchinvite: %s: no new calls; those in flight finish (once more gives them up)\n", why.Reason)
		if _, open := <-signals; open {
			signal.Stop(signals) // a third one ends the process
			u.sayf("batchinvite: calls in flight are given up\n")
			giveUp()
		}
	}()
	return take, abort, func() {
		signal.Stop(signals)
		close(signals)
		<-ended
		stop(nil)
		giveUp()
	}
}
