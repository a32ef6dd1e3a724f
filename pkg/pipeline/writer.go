package pipeline

import (
	"fmt"
	"time"

	"batchinvite/pkg/invite"
)

const flushEvery = time.Second

// write puts the rows back into input order and hands them to the sink.
func (f *flow) write() error {
	defer close(f.unwanted)
	var waiting [windowRows]*item // the window holds no more rows than that
	next := 0
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := f.Sink.Flush(); err != nil {
				return err
			}
		case it, open := <-f.finished:
			if !open {
				return f.Sink.Flush()
			}
			waiting[it.seq%windowRows] = it
			for ; waiting[next%windowRows] != nil; next++ {
				it := waiting[next%windowRows]
				waiting[next%windowRows] = nil
				if err := f.emit(it); err != nil {
					return err
				}
			}
		}
	}
}

func (f *flow) emit(it *item) error {
	switch {
	case it.owner != nil && !it.first:
		it.result, it.reached = f.duplicate(it)
	default:
		it.reached = it.result.Status == invite.StatusInvited || it.result.Status == invite.StatusAlreadyInvited
	}
	if it.first {
		it.owner.status, it.owner.link, it.owner.reached = it.result.Status, it.result.Outcome.Link, it.reached
	}
	it.result.Row = it.row
	if err := f.Sink.Write(it.result); err != nil {
		return err
	}
	f.Progress.wrote(it)
	f.window.Release(it.weight)
	return nil
}

// duplicate answers a row from the owner of its key.
func (f *flow) duplicate(it *item) (r invite.Result, reached bool) {
	o, c := it.owner, it.row.Candidate
	where := fmt.Sprintf("line %d", o.origin.Line)
	if o.origin.File != it.row.Origin.File {
		where += " of " + f.Files[o.origin.File]
	}
	r.Status = invite.StatusDuplicate
	switch differs, detail := o.differs(c); {
	case differs != "":
		r.Outcome.Error = fmt.Sprintf("same person as %s, but %s: %s", where, differs, detail)
	case !o.reached:
		r.Outcome.Error = fmt.Sprintf("same person as %s, which is %s", where, o.status)
		r.Outcome.Link = o.link
	default:
		r.Outcome.Error = "same person as " + where
		r.Outcome.Link = o.link
		return r, true
	}
	return r, false
}
