package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
	"batchinvite/pkg/results"
	"batchinvite/pkg/sheet"
)

// A lost ledger knows nobody, and neither does a new one: then the results that an earlier run left where those of this one
// would go are the only trace of whom the vendor has e-mailed.

// lookupChunk is how many people the ledger is asked about at once.
const lookupChunk = 256

// guardLost refuses to e-mail people of whom results say that they were e-mailed, and the ledger knows nothing. Results that
// this account wrote say nothing that its ledger does not know.
func (r *run) guardLost(ctx context.Context) error {
	if r.sandbox || r.planned.Emails == 0 {
		return nil
	}
	told := pipeline.NewRepeats(0)
	var paths []string
	for i, in := range r.batch {
		for _, path := range []string{in.output, results.Partial(in.output)} {
			if path == stdStream || path == results.Partial(stdStream) {
				continue
			}
			if ours, err := r.wrote(ctx, path); err != nil || ours {
				if err != nil {
					return err
				}
				continue
			}
			found, err := r.tells(ctx, path, i, told)
			if err != nil {
				return err
			}
			if found {
				paths = append(paths, path)
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	n, name := 0, ""
	for row, err := range r.batch.rows {
		if err != nil {
			return err
		}
		if row.Problem == nil && row.Candidate.Format == invite.SendLink && told.Has(row.Candidate.Key) {
			if n++; n == 1 {
				name = fmt.Sprintf("%s: line %d", r.batch[row.Origin.File].snapshot.Name, row.Origin.Line)
			}
		}
	}
	if n == 0 {
		return nil
	}
	return usage(fmt.Errorf("%s was e-mailed before (%s like it), says %s, and ledger %q has never heard of it", name, count(n, "row"), quoted(paths...), r.place.path),
		"batchinvite import "+quoted(paths...)+r.keyFlags()+r.place.flags(), "or if these people may be invited again, move it away")
}

// wrote tells whether this account wrote a file last, whatever became of it since.
func (r *run) wrote(ctx context.Context, path string) (bool, error) {
	if r.led == nil {
		return false, nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	hash, err := r.led.Written(ctx, path)
	return hash != "", err
}

// tells adds the people whom results say to be e-mailed, and whom the ledger does not know. What is no results file tells
// nothing.
func (r *run) tells(ctx context.Context, path string, file int, told *pipeline.Repeats) (found bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			err = usage(err)
		} else {
			err = nil
		}
		return false, err
	}
	defer f.Close()
	snapshot, err := sheet.Copy(ctx, path, f)
	if err == nil {
		defer func() { err = errors.Join(err, snapshot.Close()) }()
		found, err = r.tellsOf(ctx, snapshot, file, told)
	}
	if _, bad := errors.AsType[*sheet.Error](err); bad && ctx.Err() == nil {
		return found, nil // it is somebody else's, or was cut off
	}
	return found, err
}

func (r *run) tellsOf(ctx context.Context, snapshot *sheet.Snapshot, file int, told *pipeline.Repeats) (found bool, err error) {
	o := r.sheetOptions(file)
	o.Import, o.Sheet, o.Encoding, o.Delimiter, o.NoHeader, o.Defaults = true, "", "", 0, false, nil
	s, err := sheet.Open(snapshot, o)
	if err != nil || !s.Recognised() {
		return false, err
	}
	var keys []invite.Key
	ask := func() error {
		histories := make([]invite.History, len(keys))
		if r.led != nil {
			if histories, err = r.led.Lookup(ctx, keys); err != nil {
				return err
			}
		}
		for i, h := range histories {
			if len(h.Records) == 0 && len(h.Elsewhere) == 0 {
				told.Seen(keys[i])
				found = true
			}
		}
		keys = keys[:0]
		return nil
	}
	for row, err := range s.Rows() {
		if err != nil {
			return found, errors.Join(err, ask())
		}
		if row.Problem != nil || row.Candidate.Format != invite.SendLink || !pipeline.SaysInvited(row) {
			continue
		}
		if keys = append(keys, row.Candidate.Key); len(keys) == lookupChunk {
			if err := ask(); err != nil {
				return found, err
			}
		}
	}
	return found, ask()
}
