package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
	"batchinvite/pkg/results"
	"batchinvite/pkg/sheet"
)

// A lost ledger knows nobody, and neither does a new one; a restored one knows less than it did. Then the results that an
// earlier run left where those of this one would go are the only trace of whom the vendor has e-mailed.

// lookupChunk is how many people the ledger is asked about at once.
const lookupChunk = 256

// trace is what such results say.
type trace struct {
	people     *pipeline.Repeats // whom they call e-mailed, and the ledger does not know
	paths      []string          // of the files that say so
	obscure    string            // one of which can't be told whom it calls e-mailed
	duplicates bool              // some of the people stand there as duplicates
}

// guardLost refuses to e-mail people of whom results say that they were e-mailed, and the ledger knows nothing.
func (r *run) guardLost(ctx context.Context) error {
	if r.sandbox || r.planned.Emails == 0 {
		return nil
	}
	all := &trace{people: pipeline.NewRepeats(0)}
	for i, in := range r.batch {
		if in.output == stdStream {
			continue
		}
		for _, path := range []string{in.output, results.Partial(in.output)} {
			if err := r.readResults(ctx, path, i, all); err != nil {
				return err
			}
		}
	}
	const away = "or if these people may be invited again, move it away"
	if all.obscure != "" {
		return usage(fmt.Errorf("%s says that people were e-mailed before, and not readably whom", all.obscure), "mend it, and batchinvite import "+quoted(all.obscure)+r.place.flags(), away)
	}
	n, first := 0, ""
	if len(all.paths) > 0 {
		for row, err := range r.batch.rows {
			if err != nil {
				return err
			}
			if row.Problem == nil && row.Candidate.Format == invite.SendLink && all.people.Has(row.Candidate.Key) {
				if n++; n == 1 {
					first = fmt.Sprintf("%s: line %d", r.batch[row.Origin.File].snapshot.Name, row.Origin.Line)
				}
			}
		}
	}
	if n == 0 {
		return nil
	}
	hints := []string{"batchinvite import " + quoted(all.paths...) + r.keyFlags() + r.place.flags()}
	if all.duplicates {
		hints = append(hints, "with the results that have the rows which the duplicates there are of")
	}
	return usage(fmt.Errorf("%s was e-mailed before (%s like it), says %s, and ledger %q has never heard of it", first, count(n, "row"), quoted(all.paths...), r.place.path),
		append(hints, away)...)
}

// readResults adds what a file says, unless this account wrote it as it is: then its ledger knows. What is no results file
// says nothing.
func (r *run) readResults(ctx context.Context, path string, file int, all *trace) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usage(err, "move it away, or --output FILE")
	}
	defer f.Close()
	snapshot, err := sheet.Copy(ctx, path, f)
	if _, bad := errors.AsType[*sheet.Error](err); bad && ctx.Err() == nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	written := ""
	if r.led != nil {
		whole, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if written, err = r.led.Written(ctx, whole); err != nil || written == snapshot.Hash {
			return err
		}
	}
	if path == results.Partial(r.batch[file].output) {
		if _, err := snapshot.DropCutLine(); err != nil { // as a kill leaves it
			return err
		}
	}
	// The columns may be called as in the input, or as they were before somebody changed that: then the flags mislead.
	clear, found, says := false, false, false
	for _, columns := range []columnMap{nil, r.columns} {
		if columns == nil || len(columns) > 0 {
			s, err := r.peopleOf(ctx, snapshot, file, columns, all)
			if err != nil {
				return err
			}
			clear, found, says = clear || s.clear, found || s.found, says || s.says
		}
	}
	if found {
		all.paths = append(all.paths, path)
	}
	if says && !clear && written == "" { // else a person has worked on a file of ours
		all.obscure = path
	}
	return nil
}

// saying is what one way to read a file came to.
type saying struct {
	says  bool // somebody was e-mailed
	clear bool // of every such row it can be told who
	found bool // somebody whom the ledger does not know
}

func (r *run) peopleOf(ctx context.Context, snapshot *sheet.Snapshot, file int, columns columnMap, all *trace) (s saying, err error) {
	o := r.sheetOptions(file)
	o.Import, o.Map, o.Sheet, o.Encoding, o.Delimiter, o.NoHeader, o.Defaults = true, columns, "", "", 0, false, nil
	rows, err := sheet.Open(snapshot, o)
	if _, bad := errors.AsType[*sheet.Error](err); bad || err == nil && !rows.Recognised() {
		s.says, err = saysInvited(snapshot)
		return s, err
	}
	if err != nil {
		return s, err
	}
	var keys []invite.Key
	s.clear = true
	for row, err := range rows.Rows() {
		if _, bad := errors.AsType[*sheet.Error](err); bad {
			break // it was cut off, as by a crash
		}
		if err != nil {
			return s, err
		}
		if !pipeline.SaysInvited(row) || row.Problem == nil && row.Candidate.Format != invite.SendLink {
			continue
		}
		if s.says = true; row.Problem != nil {
			s.clear = false
			continue
		}
		all.duplicates = all.duplicates || row.Earlier.Status == invite.StatusDuplicate
		if keys = append(keys, row.Candidate.Key); len(keys) == lookupChunk {
			if err := r.strangers(ctx, keys, all, &s); err != nil {
				return s, err
			}
			keys = keys[:0]
		}
	}
	return s, r.strangers(ctx, keys, all, &s)
}

// strangers adds those people whom the ledger does not know.
func (r *run) strangers(ctx context.Context, keys []invite.Key, all *trace, s *saying) (err error) {
	histories := make([]invite.History, len(keys))
	if r.led != nil {
		if histories, err = r.led.Lookup(ctx, keys); err != nil {
			return err
		}
	}
	for i, h := range histories {
		if len(h.Records) == 0 && len(h.Elsewhere) == 0 {
			all.people.Seen(keys[i])
			s.found = true
		}
	}
	return nil
}

// saysInvited looks for rows of people who were invited in what is left of results: a header with the status and the link.
func saysInvited(s *sheet.Snapshot) (bool, error) {
	isOurs := func(label string) bool {
		return slices.Contains(invite.ResultColumns, strings.ToLower(strings.TrimSpace(label)))
	}
	table, err := sheet.OpenTable(s, isOurs)
	if err != nil {
		return false, ignoreBad(err)
	}
	status, link := -1, -1
	for first := true; ; first = false {
		cells, _, err := table.Next()
		if err != nil {
			return false, ignoreBad(err)
		}
		if first {
			is := func(name string) func(string) bool {
				return func(label string) bool { return strings.EqualFold(strings.TrimSpace(label), name) }
			}
			if status, link = slices.IndexFunc(cells, is(invite.ResultColumns[0])), slices.IndexFunc(cells, is(invite.ResultColumns[1])); status < 0 {
				return false, nil
			}
			continue
		}
		e := &invite.Earlier{}
		if status < len(cells) {
			e.Status = invite.Status(strings.TrimSpace(cells[status]))
		}
		if link >= 0 && link < len(cells) {
			e.Link = strings.TrimSpace(cells[link])
		}
		if pipeline.SaysInvited(invite.Row{Earlier: e}) {
			return true, nil
		}
	}
}

// ignoreBad: the end of a file, and what can't be read as one, says nothing.
func ignoreBad(err error) error {
	if _, bad := errors.AsType[*sheet.Error](err); bad || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
