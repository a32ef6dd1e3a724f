package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"batchinvite/pkg/invite"
)

// decisionColumns are the columns of a file of decisions, by their letters and digits.
var decisionColumns = map[string][]string{
	"email":      {"email", "emailaddress", "mail", "address"},
	"decision":   {"decision", "resolution", "outcome"},
	"link":       {"link", "decisionlink"},
	"why":        {"why", "reason"},
	"assessment": {"inviteassessmentid", "assessmentid", "assessment"},
	"campaign":   {"campaign"},
	"format":     {"inviteformat", "format"},
}

var decisionWords = map[string]bool{"sent": true, "yes": true, "invited": true, "notsent": false, "no": false}

// leftOut are the rows of a file that settle nothing.
type leftOut struct {
	undecided int
	settled   []string // about records that are not unknown, or not any more
}

// readDecisions reads a whole file before anything is settled. Problems are listed together.
func (a *app) readDecisions(ctx context.Context, unknown unknownRows, d *decision) (rulings []ruling, left leftOut, err error) {
	f, err := os.Open(d.from)
	if err != nil {
		return nil, left, usagef("read decisions: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, left, usagef("read decisions: %s: %w", d.from, err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	table := decisionTable{name: d.from, header: header, ours: slices.Contains(header, "invite_status"), reader: r}
	for _, column := range []string{"email", "decision"} {
		if table.place(column) < 0 {
			return nil, left, usagef("read decisions: %s has no column %q", d.from, column)
		}
	}
	var problems []error
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, left, usagef("read decisions: %s: %w", d.from, err)
		}
		found, err := table.row(ctx, unknown, *d, cells, &left)
		problems, rulings = append(problems, err), append(rulings, found...)
	}
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	if len(problems) > shownProblems {
		problems = append(problems[:shownProblems], fmt.Errorf("and %d more", len(problems)-shownProblems))
	}
	if len(problems) > 0 {
		return nil, left, usage(fmt.Errorf("nothing was settled: %w", errors.Join(problems...)))
	}
	return rulings, left, nil
}

// decisionTable is an open file of decisions.
type decisionTable struct {
	name   string
	header []string
	ours   bool // results of ours, whose cells are guarded
	reader *csv.Reader
}

// place is where a column stands, -1 if it does not. Names that come first win.
func (t *decisionTable) place(column string) int {
	for _, alias := range decisionColumns[column] {
		if i := slices.IndexFunc(t.header, func(name string) bool { return letters(name) == alias }); i >= 0 {
			return i
		}
	}
	return -1
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// row gives the ruling of one row, none if it settles nothing.
func (t *decisionTable) row(ctx context.Context, unknown unknownRows, d decision, cells []string, left *leftOut) ([]ruling, error) {
	cell := func(column string) string {
		i := t.place(column)
		if i < 0 || i >= len(cells) {
			return ""
		}
		if t.ours {
			return strings.TrimSpace(invite.Unguard(cells[i]))
		}
		return strings.TrimSpace(cells[i])
	}
	line, _ := t.reader.FieldPos(0)
	wrong := func(column, format string, args ...any) error {
		where := fmt.Sprintf("%s: line %d", t.name, line)
		if column != "" {
			where += ", column " + t.header[t.place(column)]
		}
		return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
	}
	word := cell("decision")
	if word == "" {
		left.undecided++
		return nil, nil
	}
	sent, known := decisionWords[letters(word)]
	if !known {
		return nil, wrong("decision", "%q is neither sent nor not_sent", word)
	}
	email, err := invite.NormalizeEmail(cell("email"))
	if err != nil {
		return nil, wrong("email", "%q %w", cell("email"), err)
	}
	d.sent, d.link, d.why = sent, cell("link"), cmp.Or(cell("why"), d.why)
	d.campaign, d.format.value = cmp.Or(strings.ToLower(cell("campaign")), d.campaign), cmp.Or(strings.ToLower(cell("format")), d.format.value)
	if text := cell("assessment"); text != "" {
		if d.assessment, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, wrong("assessment", "%q is not an assessment id", text)
		}
	}
	switch {
	case strings.TrimSpace(d.why) == "":
		return nil, wrong("", "says not how you know: a column \"why\", or --why TEXT")
	case d.link != "" && !sent:
		return nil, wrong("link", "goes with sent")
	case d.link != "" && !isLink(d.link):
		return nil, wrong("link", "%q is not a link such as https://host/path", d.link)
	}
	records, err := unknown.person(ctx, email)
	if err != nil {
		return nil, err
	}
	found := d.rule(records)
	switch {
	case len(found) == 0:
		left.settled = append(left.settled, fmt.Sprintf("%s: line %d: %s has no unknown row that fits", t.name, line, invite.MaskEmail(email)))
		return nil, nil
	case len(found) > 1:
		return nil, wrong("", "%s has %d unknown rows, say which with columns assessment_id, campaign, format", invite.MaskEmail(email), len(found))
	}
	return found, nil
}
