package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/results"
)

// output is the results of a run, a file an input. It is a pipeline.Sink.
type output struct {
	batch   batch
	writers []resultWriter
	files   []*results.File // nil where the results are streamed
	advise  func(*invite.Result)
	told    []string // where the results are, for the summary
	keep    bool     // whatever stands at the place of the results, also what we wrote
	lost    []string // the inputs whose results could not be written
}

// createOutput begins every results file, which proves that their places are writable.
func (a *app) createOutput(b batch, advise func(*invite.Result)) (*output, error) {
	o := &output{batch: b, advise: advise}
	for _, in := range b {
		if in.output == stdStream {
			w, err := results.Stream(a.out, in.header(), in.format())
			if err != nil {
				return nil, errors.Join(fmt.Errorf("write results to stdout: %w", err), o.discard())
			}
			o.writers, o.files = append(o.writers, streamed{w}), append(o.files, nil)
			continue
		}
		f, err := results.Create(in.output, in.header(), in.format())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("write results of %s: %w", in.name, err), o.discard())
		}
		if in.sheet != nil {
			f.Kinds = in.sheet.Kinds()
		}
		o.writers, o.files = append(o.writers, f), append(o.files, f)
	}
	return o, nil
}

// Write sends a result to its input's file.
func (o *output) Write(r invite.Result) error {
	o.advise(&r)
	return o.failed("write", r.Row.Origin.File, o.writers[r.Row.Origin.File].Write(r))
}

// Flush shows what was written so far.
func (o *output) Flush() error {
	for i, w := range o.writers {
		if err := o.failed("write", i, w.Flush()); err != nil {
			return err
		}
	}
	return nil
}

// failed names what could not be done to the results of an input, unless err is nil.
func (o *output) failed(what string, file int, err error) error {
	if err == nil {
		return nil
	}
	name := o.batch[file].name
	if name != stdStream && !slices.Contains(o.lost, name) {
		o.lost = append(o.lost, name)
	}
	return fmt.Errorf("%s results of %s: %w", what, name, err)
}

// commit gives every file its final name and lets the ledger know what is in it, unless that is only read (run 0).
func (o *output) commit(ctx context.Context, led ledger.Ledger, run int64, rehearsal bool) error {
	var errs []error
	for i, f := range o.files {
		if f != nil {
			errs = append(errs, o.commitFile(ctx, led, run, i, rehearsal))
		}
	}
	return errors.Join(errs...)
}

func (o *output) commitFile(ctx context.Context, led ledger.Ledger, run int64, file int, rehearsal bool) error {
	f, in := o.files[file], o.batch[file]
	path, err := filepath.Abs(in.output)
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
	if rehearsal && in.derived {
		done, err = f.Overwrite()
	} else {
		done, err = f.Commit(known)
	}
	if err := o.failed("finish", file, err); err != nil {
		return err
	}
	o.told = append(o.told, in.output)
	if done.Kept != "" {
		o.told = append(o.told, fmt.Sprintf("  %s was not as this account last wrote it, and is kept as %s", in.output, done.Kept))
	}
	if run == 0 {
		return nil
	}
	return led.Wrote(ctx, run, path, done.Hash)
}

// discard removes the partial files of a run that never began.
func (o *output) discard() error {
	errs := []error{o.close()}
	for i, f := range o.files {
		if f != nil {
			errs = append(errs, os.Remove(results.Partial(o.batch[i].output)))
		}
	}
	return errors.Join(errs...)
}

// left names the partial files that hold what was written before a failure.
func (o *output) left() (hints []string) {
	for _, in := range o.batch {
		if path := results.Partial(in.output); in.output != stdStream && exists(path) {
			hints = append(hints, "the rows written so far are in "+path)
		}
	}
	return hints
}

// close leaves what was not committed in the partial files.
func (o *output) close() error {
	var errs []error
	for _, w := range o.writers {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}
