package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/results"
)

// output is what a run writes of its inputs: results and, if asked for, rejects. It is a pipeline.Sink.
type output struct {
	batch  batch
	files  []*written
	of     [][]*written // by input
	advise func(*invite.Result)
	keep   bool     // whatever stands at the place of the results, also what we wrote
	lost   []string // the inputs of which something could not be written
}

// written is one file on its way, or a stream.
type written struct {
	resultWriter
	in      *input
	what    string // "results" or "rejects"
	path    string
	derived bool          // the path is our choice
	file    *results.File // nil for a stream
	rows    int
	told    []string // where it is, once it is there
}

// rejected are the rows that a person may mend. What may have happened already is none of them.
var rejected = []invite.Status{invite.StatusInvalid, invite.StatusRejected, invite.StatusNotSent}

// createOutput begins every file, which proves that their places are writable.
func (a *app) createOutput(b batch, advise func(*invite.Result)) (*output, error) {
	o := &output{batch: b, advise: advise, of: make([][]*written, len(b))}
	for i, in := range b {
		if in.output == stdStream {
			w, err := results.Stream(a.out, in.header(), in.format(in.output))
			if err != nil {
				return nil, errors.Join(fmt.Errorf("write results to stdout: %w", err), o.discard())
			}
			o.add(i, &written{resultWriter: streamed{w}, in: in, what: "results", path: in.output})
		} else if err := o.create(i, &written{in: in, what: "results", path: in.output, derived: in.derived}, in.format(in.output)); err != nil {
			return nil, err
		}
		if in.rejects == "" {
			continue
		}
		if err := o.create(i, &written{in: in, what: "rejects", path: in.rejects}, in.rejectsFormat()); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *output) create(i int, w *written, format results.Format) (err error) {
	if w.file, err = results.Create(w.path, w.in.header(), format); err != nil {
		return errors.Join(fmt.Errorf("write %s of %s: %w", w.what, w.in.name, err), o.discard())
	}
	if w.in.sheet != nil {
		w.file.Kinds = w.in.sheet.Kinds()
	}
	w.resultWriter = w.file
	o.add(i, w)
	return nil
}

func (o *output) add(i int, w *written) { o.files, o.of[i] = append(o.files, w), append(o.of[i], w) }

// Write sends a result to its input's files.
func (o *output) Write(r invite.Result) error {
	o.advise(&r)
	for _, w := range o.of[r.Row.Origin.File] {
		if w.what == "rejects" && !slices.Contains(rejected, r.Status) {
			continue
		}
		w.rows++
		if err := o.failed("write", w, w.Write(r)); err != nil {
			return err
		}
	}
	return nil
}

// Flush shows what was written so far.
func (o *output) Flush() error {
	for _, w := range o.files {
		if err := o.failed("write", w, w.Flush()); err != nil {
			return err
		}
	}
	return nil
}

// failed names what could not be done to a file, unless err is nil.
func (o *output) failed(what string, w *written, err error) error {
	if err == nil {
		return nil
	}
	if name := w.in.name; name != stdStream && !slices.Contains(o.lost, name) {
		o.lost = append(o.lost, name)
	}
	return fmt.Errorf("%s %s of %s: %w", what, w.what, w.in.name, err)
}

// commit gives every file its final name and lets the ledger know what is in it, unless that is only read (run 0).
func (o *output) commit(ctx context.Context, led ledger.Ledger, run int64, rehearsal bool) error {
	var errs []error
	for _, w := range o.files {
		if w.file != nil {
			errs = append(errs, o.commitFile(ctx, led, run, w, rehearsal))
		}
	}
	return errors.Join(errs...)
}

func (o *output) commitFile(ctx context.Context, led ledger.Ledger, run int64, w *written, rehearsal bool) error {
	path, err := filepath.Abs(w.path)
	if err != nil {
		return err
	}
	known, err := led.Written(ctx, path)
	if err != nil {
		return err
	}
	if o.keep {
		known = ""
	}
	var done results.Committed
	if rehearsal && w.derived {
		done, err = w.file.Overwrite()
	} else {
		done, err = w.file.Commit(known)
	}
	if err := o.failed("finish", w, err); err != nil {
		return err
	}
	w.told = append(w.told, w.path)
	if w.what == "rejects" {
		more := ""
		if order := w.in.sheet.DateOrder(); order != invite.Undecided && w.rows > 0 { // fewer dates may tell another story
			more = "; read the dates as here with --date-order " + string(order)
		}
		w.told[0] += fmt.Sprintf(" (%s%s)", count(w.rows, "row"), more)
	}
	if done.Kept != "" {
		w.told = append(w.told, fmt.Sprintf("  %s was not as this account last wrote it, and is kept as %s", w.path, done.Kept))
	}
	if run == 0 {
		return nil
	}
	return led.Wrote(ctx, run, path, done.Hash)
}

// places tell where everything is, for the summary.
func (o *output) places() string {
	var b strings.Builder
	for _, what := range []string{"results", "rejects"} {
		label := what + ": "
		for _, w := range o.files {
			for _, line := range w.told {
				if w.what == what {
					fmt.Fprintln(&b, label+line)
					label = ""
				}
			}
		}
	}
	return b.String()
}

// discard removes the partial files of a run that never began.
func (o *output) discard() error {
	errs := []error{o.close()}
	for _, w := range o.files {
		if w.file != nil {
			errs = append(errs, os.Remove(results.Partial(w.path)))
		}
	}
	return errors.Join(errs...)
}

// left names the partial files that hold what was written before a failure.
func (o *output) left() (hints []string) {
	for _, w := range o.files {
		if path := results.Partial(w.path); w.path != stdStream && exists(path) {
			hints = append(hints, "the rows written so far are in "+path)
		}
	}
	return hints
}

// close leaves what was not committed in the partial files.
func (o *output) close() error {
	var errs []error
	for _, w := range o.files {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}
