package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"batchinvite/pkg/invite"
)

// watchSignals gives the two contexts of a run. The first SIGINT or SIGTERM ends take: no more rows, calls in flight
// finish. The second ends abort: they are given up. release ends the watching.
func (u *ui) watchSignals(parent context.Context) (take, abort context.Context, release func()) {
	take, stop := context.WithCancelCause(parent)
	abort, giveUp := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		first, open := <-signals
		if !open {
			return
		}
		why := &invite.Stop{Kind: invite.StopInterrupted, Reason: "interrupted"}
		if first == syscall.SIGTERM {
			why = &invite.Stop{Kind: invite.StopTerminated, Reason: "terminated"}
		}
		stop(why)
		u.sayf("batchinvite: %s: no new calls; those in flight finish (once more gives them up)\n", why.Reason)
		if _, open := <-signals; open {
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
