package results

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// inputTypes are the endings that say what an input is, and are no part of its name.
var inputTypes = []string{".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm"}

// DefaultPath is where the results of an input go if nobody says otherwise: NAME.results.csv beside it, or
// NAME.rehearsal.csv; of an input between tabs NAME.results.tsv, of a workbook NAME.results.xlsx. A results file or rehearsal
// that is fed back gives the same path as its own input did, so it may be
// the input itself: the caller checks with SameFile.
func DefaultPath(input string, rehearsal bool) string {
	if rehearsal {
		return pathOf(input, ".rehearsal")
	}
	return pathOf(input, ".results")
}

// RejectsPath is where the rejects of an input go in a folder that the user named, but for that folder.
func RejectsPath(input string) string { return pathOf(input, ".rejects") }

func pathOf(input, word string) string {
	name := trimEnding(input, ".gz")
	ending := ".csv"
	switch {
	case IsTabs(name):
		ending = ".tsv"
	case trimEnding(name, ".xlsx", ".xlsm") != name:
		ending = ".xlsx"
	}
	name = trimEnding(name, inputTypes...)
	name = trimEnding(name, ".results", ".rehearsal")
	return name + word + ending
}

// IsTabs tells whether a name says that tabs separate the cells.
func IsTabs(name string) bool {
	return trimEnding(name, ".tsv", ".tab") != name
}

// trimEnding takes the extension away if it is one of endings, in any case.
func trimEnding(name string, endings ...string) string {
	ext := filepath.Ext(name)
	if slices.Contains(endings, strings.ToLower(ext)) {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

// SameFile tells whether two paths lead to one file, through links, relative paths and, where the file system ignores
// it, case. Of files that do not exist yet it compares the names and the folders.
func SameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	if filepath.Base(a) != filepath.Base(b) {
		return false
	}
	return SameFile(filepath.Dir(a), filepath.Dir(b))
}
