package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"batchinvite/pkg/invite"
)

// kind is what a finding means for its row.
type kind string

// The kinds, in the order in which they are told.
const (
	kindInvalid   kind = "invalid"
	kindDiffers   kind = "duplicate_differs" // from the row that owns the person
	kindDuplicate kind = "duplicate"
	kindWarning   kind = "warning"
)

var kinds = []kind{kindInvalid, kindDiffers, kindDuplicate, kindWarning}

// Memory does not grow with the files: of each kind so many groups are told apart and so many problems kept, and of each
// group.
const (
	maxFound    = 200
	maxKept     = 5000
	maxKeptEach = 1000
	shownEach   = 20 // for people
)

// findings are the problems of all files, grouped by what is wrong.
type findings struct {
	groups []*found
	byWhat map[what]*found
	counts map[where]int
	told   map[kind]int // groups
	kept   map[kind]int // problems
}

// where is a kind of a file's rows.
type where struct {
	file int
	kind kind
}

// what the problems of a group have in common.
type what struct {
	where
	column, reason string
}

// found is a group: how many rows, and the first of them.
type found struct {
	what
	count int
	first []invite.Problem
}

func newFindings() *findings {
	return &findings{byWhat: map[what]*found{}, counts: map[where]int{}, told: map[kind]int{}, kept: map[kind]int{}}
}

// add takes the problem of a row. The rows of a file come in order.
func (f *findings) add(k kind, file int, p invite.Problem) {
	w := what{where{file, k}, p.Column, p.Reason}
	f.counts[w.where]++
	g := f.byWhat[w]
	if g == nil {
		if f.told[k] == maxFound {
			return
		}
		f.told[k]++
		// What a problem quotes holds on to the whole row's text.
		w.column, w.reason = strings.Clone(w.column), strings.Clone(w.reason)
		g = &found{what: w}
		f.groups, f.byWhat[w] = append(f.groups, g), g
	}
	g.count++
	if len(g.first) < maxKeptEach && (f.kept[k] < maxKept || len(g.first) == 0) {
		p.Value, p.Advice, p.Column, p.Reason = strings.Clone(p.Value), strings.Clone(p.Advice), w.column, w.reason
		g.first = append(g.first, p)
		f.kept[k]++
	}
}

// of gives the groups of a kind of a file's rows, the largest first, and how many rows are in no group.
func (f *findings) of(w where) (groups []*found, others int) {
	others = f.counts[w]
	for _, g := range f.groups {
		if g.where == w {
			groups = append(groups, g)
			others -= g.count
		}
	}
	slices.SortStableFunc(groups, func(a, b *found) int { return cmp.Compare(b.count, a.count) })
	return groups, others
}

// text lists everything, file by file.
func (f *findings) text(b batch) string {
	var t strings.Builder
	cutShort := false
	for file, in := range b {
		for _, k := range kinds {
			w := where{file, k}
			groups, others := f.of(w)
			if f.counts[w] == 0 {
				continue
			}
			fmt.Fprintf(&t, "%s: %s\n", plain(in.name), titles[k](f.counts[w]))
			for _, g := range groups {
				fmt.Fprintf(&t, "  %s: %s\n", count(g.count, "row"), g.what)
				for _, p := range g.first[:min(shownEach, len(g.first))] {
					fmt.Fprintf(&t, "    %s\n", at(p))
				}
				if more := g.count - shownEach; more > 0 {
					fmt.Fprintf(&t, "    and %d more\n", more)
					cutShort = cutShort || k == kindInvalid
				}
			}
			if others > 0 {
				fmt.Fprintf(&t, "  %s with %s\n", count(others, "row"), otherReasons)
			}
		}
	}
	if cutShort {
		fmt.Fprintf(&t, "every invalid row with its reason, sending nothing: batchinvite run %s --sandbox --yes --rejects FILE\n", quoted(b.names()...))
	}
	return t.String()
}

var titles = map[kind]func(n int) string{
	kindInvalid:   func(n int) string { return count(n, "row") + " invalid" },
	kindDiffers:   func(n int) string { return count(n, "duplicate") + " with another name or format, which get no link" },
	kindDuplicate: func(n int) string { return count(n, "duplicate") },
	kindWarning:   func(n int) string { return count(n, "warning") },
}

// String says what is wrong with all rows of a group.
func (w what) String() string {
	if w.column == "" {
		return w.reason
	}
	return "column " + w.column + ": " + w.reason
}

// at tells of one problem what its group does not.
func at(p invite.Problem) string {
	place := "line " + strconv.Itoa(p.Line)
	if p.Cell != "" {
		place += ", cell " + p.Cell
	}
	var parts []string
	if p.Value != "" {
		parts = append(parts, strconv.Quote(p.Value))
	}
	if p.Advice != "" {
		parts = append(parts, p.Advice)
	}
	if len(parts) == 0 {
		return place
	}
	return place + ": " + strings.Join(parts, ", ")
}

// invalidLines are the plan's few words about what is wrong: the largest groups of all files, with the first row of each.
func (f *findings) invalidLines(t *strings.Builder, b batch) {
	var all []*found
	others := 0
	for file := range b {
		groups, rest := f.of(where{file, kindInvalid})
		all, others = append(all, groups...), others+rest
	}
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(b.count, a.count) })
	for i, g := range all {
		if i < shownProblems {
			fmt.Fprintf(t, "  %s: %s: %s, first %s\n", plain(b[g.file].name), count(g.count, "row"), g.what, at(g.first[0]))
		} else {
			others += g.count
		}
	}
	if others > 0 {
		fmt.Fprintf(t, "  and %d more with other reasons: batchinvite check lists them\n", others)
	}
}
