package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
	"batchinvite/pkg/results"
	"batchinvite/pkg/sheet"
)

// stdStream is the name of stdin as an input, and of stdout as an output.
const stdStream = "-"

// input is one file of a run, from its snapshot to where its results go.
type input struct {
	name     string // as typed
	snapshot *sheet.Snapshot
	sheet    *sheet.Sheet
	columns  []string // the header where there is no sheet
	output   string   // a path, or stdStream
	derived  bool     // the path is our choice
	rejects  string   // a path, "" for none
}

// batch is the files of a run, in order.
type batch []*input

// openBatch copies the inputs and reads their headers. Nothing is created that outlives the process.
func (a *app) openBatch(ctx context.Context, names []string, s *settings) (batch, error) {
	if err := s.checkAhead(); err != nil {
		return nil, err
	}
	b, err := a.copyInputs(ctx, names)
	if err != nil {
		return nil, err
	}
	if err := b.open(s); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// copyInputs takes the snapshots.
func (a *app) copyInputs(ctx context.Context, names []string) (_ batch, err error) {
	var b batch
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	for _, name := range a.withoutResults(names) {
		in := &input{name: name}
		b = append(b, in)
		if in.snapshot, err = a.snapshot(ctx, name); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// open reads the headers, and decides where the results go.
func (b batch) open(s *settings) error {
	if err := b.read(s); err != nil {
		return err
	}
	return b.place(s)
}

func (b batch) read(s *settings) (err error) {
	for i, in := range b {
		if in.sheet, err = sheet.Open(in.snapshot, s.sheetOptions(i)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) snapshot(ctx context.Context, name string) (*sheet.Snapshot, error) {
	if name == stdStream {
		return sheet.Copy(ctx, "stdin", a.in)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("read candidates: %w", err)
	}
	defer f.Close()
	snapshot, err := sheet.Copy(ctx, name, f)
	if err != nil && ctx.Err() == nil {
		err = usage(err)
	}
	return snapshot, err
}

var resultsName = regexp.MustCompile(`\.(results|rehearsal|rejects)(\.\d{8}T\d{6}Z(-\d+)?)?\.(csv|tsv|xlsx)$`)

// withoutResults leaves out, of "*.csv", the results of an input that is there too.
func (a *app) withoutResults(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		found := hasSource(name, names)
		if found && !slices.Contains(names[:slices.Index(names, name)], name) {
			a.sayf("batchinvite: %s is left out: it holds results of a file that is here too\n", name)
		}
		return found
	})
}

// hasSource tells whether a name is that of the results of another one.
func hasSource(name string, names []string) bool {
	base := resultsName.ReplaceAllString(name, "")
	return base != name && slices.ContainsFunc(names, func(other string) bool {
		own := results.DefaultPath(other, false)
		return other != name && strings.TrimSuffix(own, filepath.Ext(own)) == base+".results" && !resultsName.MatchString(other)
	})
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// rows are the rows of all files, in order.
func (b batch) rows(yield func(invite.Row, error) bool) {
	for _, in := range b {
		for row, err := range in.sheet.Rows() {
			if !yield(row, err) {
				return
			}
		}
	}
}

var _ pipeline.Rows = batch(nil).rows

// size is about how many rows there are.
func (b batch) size() (n int) {
	for _, in := range b {
		n += in.snapshot.Rows
	}
	return n
}

// names are the files as they were typed.
func (b batch) names() (names []string) {
	for _, in := range b {
		names = append(names, in.name)
	}
	return names
}

// files are what the ledger remembers of the inputs.
func (b batch) files() (files []ledger.File) {
	for _, in := range b {
		files = append(files, ledger.File{Name: in.name, Hash: in.snapshot.Hash})
	}
	return files
}

// contradiction: a typed flag that some rows disagree with is as likely a mistake in the flag as in the rows.
func (b batch) contradiction() error {
	rows, first := map[sheet.Field]int{}, map[sheet.Field]string{}
	for _, in := range b {
		for field, found := range in.sheet.Contradictions() {
			if rows[field] += found.Rows; first[field] == "" {
				first[field] = fmt.Sprintf("first %s, line %d: %q", in.snapshot.Name, found.Line, found.Value)
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	var said, flags []string
	for _, field := range slices.Sorted(maps.Keys(rows)) {
		flag := strings.ReplaceAll(string(field), "_", "-")
		said = append(said, fmt.Sprintf("--%s contradicts %s (%s)", flag, count(rows[field], "row"), first[field]))
		flags = append(flags, flag)
	}
	return usage(errors.New(strings.Join(said, ", ")), "leave the flag out to go by the rows",
		"or let it win: --override "+strings.Join(flags, ","))
}

// notices are what a person should know of the files, once they have been read.
func (b batch) notices() (all []string) {
	for _, in := range b {
		all = append(all, in.sheet.Notices()...)
	}
	return all
}

// hasDates tells whether an expiry date can come from anywhere.
func (b batch) hasDates() bool {
	return slices.ContainsFunc(b, func(in *input) bool { return in.sheet.Source(sheet.Expires) != "" })
}

func (b batch) close() error {
	var errs []error
	for _, in := range b {
		if in.snapshot != nil {
			errs = append(errs, in.snapshot.Close())
		}
	}
	return errors.Join(errs...)
}

// header is the input's header, widened to its widest row, so that no cell stands under a result column.
func (in *input) header() []string {
	if in.sheet == nil {
		return in.columns
	}
	h := slices.Clone(in.sheet.Header())
	for len(h) < in.sheet.Width() {
		h = append(h, "")
	}
	return h
}

// format is how the results are written: as the input is, save that a name may ask for tabs, and that what is not plain
// UTF-8 becomes UTF-8 with the mark by which spreadsheet programs know it.
func (in *input) format(path string) (f results.Format) {
	if in.sheet != nil {
		s := in.sheet.Shape()
		f = results.Format{BOM: s.BOM || s.Encoding != "utf-8", Delimiter: s.Delimiter, Sep: s.Sep, CRLF: s.CRLF}
	}
	if results.IsTabs(path) {
		f.Delimiter = '\t'
	}
	return f
}

// rejectsFormat is that of the input throughout, so that who mends the rejects sees what the input showed. Where characters
// were lost it is one that can say so, or else a question mark in a name would pass for a letter when it comes back.
func (in *input) rejectsFormat() results.Format {
	f, s := in.format(in.rejects), in.sheet.Shape()
	f.Rejects, f.BOM, f.Encoding, f.Mixed = true, s.BOM, s.Encoding, s.Mixed
	if s.Lossy {
		f.BOM, f.Encoding = true, ""
	}
	return f
}

// resultWriter is what results.File and results.Writer have in common.
type resultWriter interface {
	pipeline.Sink
	io.Closer
}

// streamed is a results stream, which nobody closes.
type streamed struct{ *results.Writer }

func (streamed) Close() error { return nil }
