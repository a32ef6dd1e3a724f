package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/results"
)

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
			if other.output != stdStream && meet(other.output, in.rejects) {
				return usage(fmt.Errorf("rejects of %s and results of %s would both go to %s", in.name, other.name, in.rejects), "choose another place with --rejects FILE")
			}
		}
		if err := b.checkPlace(b[:i], "rejects", in, in.rejects, "--rejects"); err != nil {
			return err
		}
	}
	return nil
}

// meet tells whether two files would get in each other's way, finished or on their way.
func meet(a, b string) bool {
	return results.SameFile(a, b) || results.SameFile(results.Partial(a), b) || results.SameFile(a, results.Partial(b))
}

// otherTypes are the ends of names of files that are neither text nor the kind of workbook that is written here.
var otherTypes = []string{".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".gz", ".zip", ".pdf", ".doc", ".docx", ".html", ".htm", ".xml", ".json"}

// free gives a name with another end that no file of the batch has.
func (b batch) free(path, end, what string) string {
	base := path
	for slices.Contains(otherTypes, strings.ToLower(filepath.Ext(base))) || slices.Contains([]string{".csv", ".tsv", ".xlsx"}, strings.ToLower(filepath.Ext(base))) {
		base = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if strings.HasSuffix(base, string(filepath.Separator)) || base == "" {
		base += what
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(b, func(in *input) bool {
			return results.SameFile(in.name, name) || results.SameFile(in.output, name) || in.rejects != "" && results.SameFile(in.rejects, name)
		})
	}
	for _, name := range []string{base + end, base + "." + what + end} {
		if !taken(name) {
			return name
		}
	}
	return base + ".new" + end
}

// checkPlace refuses a path of what an input comes to that would overwrite an input, or what earlier inputs come to.
func (b batch) checkPlace(earlier batch, what string, in *input, path, flag string) error {
	if path == stdStream {
		return nil
	}
	if other := strings.ToLower(filepath.Ext(path)); slices.Contains(otherTypes, other) {
		return usage(fmt.Errorf("%s of %s can't be %s: they are CSV, or a workbook where the name ends in .xlsx", what, in.name, other), flag+" "+quoted(b.free(path, ".xlsx", what)))
	}
	for _, other := range b {
		overwritten := results.SameFile(other.name, path) || results.SameFile(other.name, results.Partial(path))
		if other.name != stdStream && overwritten {
			return usage(fmt.Errorf("%s of %s would overwrite the input %s", what, in.name, other.name), "choose another place with "+flag+" FILE")
		}
	}
	for _, other := range earlier {
		if there := map[string]string{"results": other.output, "rejects": other.rejects}[what]; there != "" && meet(there, path) {
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
		return usage(fmt.Errorf("%s of %s can't go to %s: %s", what, in.name, path, reason), flag+quoted(b.free(path, ".csv", what)))
	}
	return nil
}
