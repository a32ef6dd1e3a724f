package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// place decides where the results go, and refuses what would overwrite an input or another output.
func (b batch) place(s *settings) error {
	folder := isFolder(s.output)
	if len(b) > 1 && s.output != "" && !folder {
		return usage(fmt.Errorf("--output %s: results of %d files need a folder that exists", s.output, len(b)), "mkdir -p FOLDER, then --output FOLDER")
	}
	for i, in := range b {
		switch {
		case len(b) == 1 && s.output != "" && !folder:
			in.output = s.output
		case in.name == stdStream && s.output == "":
			in.output = stdStream
		default:
			in.derived = true
			in.output = results.DefaultPath(in.name, s.sandbox)
			if in.name == stdStream {
				in.output = results.DefaultPath("stdin.csv", s.sandbox)
			}
			if s.output != "" {
				in.output = filepath.Join(s.output, filepath.Base(in.output))
			}
		}
		if err := b.checkPlace(b[:i], "results", in, in.output, "--output"); err != nil {
			return err
		}
	}
	return b.placeRejects(s.rejects)
}

// placeRejects decides where rejects go, once the places of results are known.
func (b batch) placeRejects(path string) error {
	if path == "" {
		return nil
	}
	folder := isFolder(path)
	if len(b) > 1 && !folder {
		return usage(fmt.Errorf("--rejects %s: rejects of %d files need a folder that exists", path, len(b)), "mkdir -p FOLDER, then --rejects FOLDER")
	}
	if path == stdStream {
		return usage(errors.New("--rejects -: rejects need a file, stdout is for results"))
	}
	for i, in := range b {
		in.rejects = path
		if folder {
			name := in.name
			if name == stdStream {
				name = "stdin.csv"
			}
			in.rejects = filepath.Join(path, filepath.Base(results.RejectsPath(name)))
		}
		for _, other := range b {
			if other.output != stdStream && (results.SameFile(other.output, in.rejects) || results.SameFile(results.Partial(other.output), in.rejects)) {
				return usage(fmt.Errorf("rejects of %s and results of %s would both go to %s", in.name, other.name, in.rejects), "choose another place with --rejects FILE")
			}
		}
		if err := b.checkPlace(b[:i], "rejects", in, in.rejects, "--rejects"); err != nil {
			return err
		}
	}
	return nil
}

// checkPlace refuses a path of what an input comes to that would overwrite an input, or what earlier inputs come to.
func (b batch) checkPlace(earlier batch, what string, in *input, path, flag string) error {
	if path == stdStream {
		return nil
	}
	for _, other := range b {
		overwritten := results.SameFile(other.name, path) || results.SameFile(other.name, results.Partial(path))
		if other.name != stdStream && overwritten {
			return usage(fmt.Errorf("%s of %s would overwrite the input %s", what, in.name, other.name), "choose another place with "+flag+" FILE")
		}
	}
	for _, other := range earlier {
		if there := map[string]string{"results": other.output, "rejects": other.rejects}[what]; results.SameFile(there, path) {
			return usage(fmt.Errorf("%s of %s and %s would both go to %s", what, other.name, in.name, path), "run them one after the other")
		}
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		hint := "choose another place with " + flag + " FILE"
		if what == "results" {
			hint = "--output - writes to stdout"
		}
		return usage(fmt.Errorf("%s of %s can't go to %q: it is no regular file", what, in.name, path), hint)
	}
	if folder := filepath.Dir(path); !isFolder(folder) {
		return usage(fmt.Errorf("%s of %s can't go to %q: there is no folder %q", what, in.name, path, folder), "mkdir -p "+quoted(folder))
	}
	return nil
}

// fit refuses what a worksheet can't hold, before anything is sent. It needs a full pass.
func (b batch) fit() error {
	for _, in := range b {
		path, what, flag := in.output, "results", "--output "
		if !results.IsXLSX(path) {
			path, what, flag = in.rejects, "rejects", "--rejects "
		}
		if !results.IsXLSX(path) {
			continue
		}
		var reason string
		switch width := len(in.header()) + len(invite.ResultColumns); {
		case in.sheet.Count() > results.MaxRows:
			reason = fmt.Sprintf("%d rows are more than the %d of a worksheet", in.sheet.Count(), results.MaxRows)
		case width > results.MaxColumns:
			reason = fmt.Sprintf("%d columns are more than the %d of a worksheet", width, results.MaxColumns)
		case in.sheet.Huge() > 0:
			reason = fmt.Sprintf("line %d has a cell of more than the %d characters of a worksheet's", in.sheet.Huge(), results.MaxCell)
		default:
			continue
		}
		name := strings.TrimSuffix(path, filepath.Ext(path)) + ".csv"
		return usage(fmt.Errorf("%s of %s can't go to %s: %s", what, in.name, path, reason), flag+quoted(name))
	}
	return nil
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

// lines is an upper bound of the rows.
func (b batch) lines() (n int) {
	for _, in := range b {
		n += in.snapshot.Lines
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

// contradictions sums up the rows whose own value is not the one that was typed, by field.
func (b batch) contradictions() map[sheet.Field]int {
	all := map[sheet.Field]int{}
	for _, in := range b {
		for field, n := range in.sheet.Contradictions() {
			all[field] += n
		}
	}
	return all
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

// rejectsFormat is that of the input throughout, so that who mends the rejects sees what the input showed.
func (in *input) rejectsFormat() results.Format {
	f, s := in.format(in.rejects), in.sheet.Shape()
	f.Rejects, f.BOM, f.Encoding, f.Mixed = true, s.BOM, s.Encoding, s.Mixed
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
