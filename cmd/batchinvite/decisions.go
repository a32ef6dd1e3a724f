package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/sheet"
)

// decisionColumns are the columns of a file of decisions, by their letters and digits. Names that come first win.
var decisionColumns = map[string][]string{
	"email":      {"email", "emailaddress", "mail", "address"},
	"decision":   {"decision", "resolution", "outcome"},
	"link":       {"link", "decisionlink"},
	"why":        {"why", "reason"},
	"assessment": {"inviteassessmentid", "assessmentid", "assessment"},
	"campaign":   {"campaign"},
	"format":     {"inviteformat", "format"},
	"attempts":   {"inviteattempts"},
}

var decisionWords = map[string]bool{"sent": true, "yes": true, "invited": true, "notsent": false, "no": false}

// leftOut are the rows that settle nothing.
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
	snapshot, err := sheet.Copy(ctx, d.from, f)
	if err != nil {
		return nil, left, fmt.Errorf("read decisions: %w", err)
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	table, err := openDecisions(snapshot)
	if err != nil {
		return nil, left, fmt.Errorf("read decisions: %w", err)
	}
	var problems []error
	for {
		var cells []string
		if cells, table.line, err = table.Next(); errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, left, fmt.Errorf("read decisions: %w", err)
		}
		r, err := table.row(ctx, unknown, *d, cells, &left)
		if r != nil {
			var again bool
			if again, err = table.repeats(r); !again {
				rulings = append(rulings, *r)
			}
		}
		if _, isRow := errors.AsType[*badDecision](err); err != nil && !isRow {
			return nil, left, err
		}
		problems = append(problems, err)
	}
	for _, notice := range table.Notices() {
		a.sayf("warning: %s\n", notice)
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

// badDecision says where a row is wrong, and why.
type badDecision struct{ error }

// decisionTable is an open file of decisions.
type decisionTable struct {
	name    string
	header  []string
	columns map[string]int // places in header
	ours    bool           // results of ours, whose cells are guarded
	*sheet.Table
	line int // of the row being read
	met  map[recordKey]metDecision
}

type metDecision struct {
	line int
	ruling
}

// openDecisions reads the header.
func openDecisions(s *sheet.Snapshot) (*decisionTable, error) {
	rows, err := sheet.OpenTable(s, isDecisionColumn)
	if err != nil {
		return nil, err
	}
	t := &decisionTable{name: s.Name, Table: rows, columns: map[string]int{}, met: map[recordKey]metDecision{}}
	if t.header, _, err = t.Next(); errors.Is(err, io.EOF) {
		return nil, usagef("%s has no header, every line is blank", t.name)
	}
	if err != nil {
		return nil, err
	}
	results := slices.Index(t.header, invite.ResultColumns[0])
	t.ours = results >= 0
	for column := range decisionColumns {
		from := 0
		if t.ours && column != "email" {
			from = results // what stands left of it is the input's, and means something else there
		}
		if err := t.find(column, from); err != nil {
			return nil, err
		}
	}
	for _, column := range []string{"email", "decision"} {
		switch _, ok := t.columns[column]; {
		case !ok && t.ours && column == "decision":
			return nil, usagef("%s has no column %q to the right of %s", t.name, column, t.header[results])
		case !ok:
			return nil, usagef("%s has no column %q; the columns are %q", t.name, column, t.header)
		}
	}
	return t, nil
}

func isDecisionColumn(label string) bool {
	for _, names := range decisionColumns {
		if slices.Contains(names, letters(label)) {
			return true
		}
	}
	return slices.Contains(invite.ResultColumns, label)
}

// find places a column. Of two that are called alike nobody can tell which is meant.
func (t *decisionTable) find(column string, from int) error {
	for _, alias := range decisionColumns[column] {
		for i := from; i < len(t.header); i++ {
			if letters(t.header[i]) != alias {
				continue
			}
			if _, twice := t.columns[column]; twice {
				return usagef("%s has two columns %q, rename one", t.name, t.header[i])
			}
			t.columns[column] = i
		}
		if _, found := t.columns[column]; found {
			return nil
		}
	}
	return nil
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func (t *decisionTable) cell(cells []string, column string) string {
	i, ok := t.columns[column]
	if !ok || i >= len(cells) {
		return ""
	}
	if t.ours {
		return strings.TrimSpace(invite.Unguard(cells[i]))
	}
	return strings.TrimSpace(cells[i])
}

func (t *decisionTable) wrong(column, format string, args ...any) error {
	where := fmt.Sprintf("%s: line %d", t.name, t.line)
	if i, ok := t.columns[column]; ok {
		where += ", column " + t.header[i]
	}
	return &badDecision{fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))}
}

// row gives the ruling of one row, nil if it settles nothing.
func (t *decisionTable) row(ctx context.Context, unknown unknownRows, d decision, cells []string, left *leftOut) (*ruling, error) {
	if t.cell(cells, "decision") == "" {
		left.undecided++
		return nil, nil
	}
	if err := t.read(cells, &d); err != nil {
		return nil, err
	}
	records, err := unknown.person(ctx, d.email)
	if err != nil {
		return nil, err
	}
	switch found := d.rule(records); len(found) {
	case 0:
		left.settled = append(left.settled, fmt.Sprintf("%s: line %d: %s has no unknown row that fits", t.name, t.line, invite.MaskEmail(d.email)))
		return nil, nil
	case 1:
		// Who decided knew of so many requests. Of a later one, of which nobody knows either, the decision says nothing.
		if seen, err := strconv.Atoi(t.cell(cells, "attempts")); err == nil && seen < found[0].rec.Outcome.Attempts {
			left.settled = append(left.settled, fmt.Sprintf("%s: line %d: %s was called again since the decision and is unknown anew, look it up once more", t.name, t.line, invite.MaskEmail(d.email)))
			return nil, nil
		}
		return &found[0], nil
	default:
		return nil, t.wrong("", "%s has %d unknown rows, say which with columns assessment_id, campaign, format", invite.MaskEmail(d.email), len(found))
	}
}

// read takes over what a row says.
func (t *decisionTable) read(cells []string, d *decision) (err error) {
	word, address := t.cell(cells, "decision"), t.cell(cells, "email")
	sent, known := decisionWords[letters(word)]
	if !known {
		return t.wrong("decision", "%q is neither sent nor not_sent", word)
	}
	if d.email, err = invite.NormalizeEmail(address); err != nil {
		return t.wrong("email", "%q %w", address, err)
	}
	d.sent, d.link, d.why = sent, t.cell(cells, "link"), cmp.Or(t.cell(cells, "why"), d.why)
	d.campaign = cmp.Or(strings.ToLower(t.cell(cells, "campaign")), d.campaign)
	if text := strings.ToLower(t.cell(cells, "format")); text != "" {
		if err := d.format.Set(text); err != nil {
			return t.wrong("format", "%w", err)
		}
	}
	if text := t.cell(cells, "assessment"); text != "" {
		if d.assessment, err = strconv.ParseInt(text, 10, 64); err != nil {
			return t.wrong("assessment", "%q is not an assessment id", text)
		}
	}
	switch {
	case strings.TrimSpace(d.why) == "":
		return t.wrong("", "says not how you know: a column \"why\", or --why TEXT")
	case d.link != "" && !sent:
		return t.wrong("link", "goes with sent")
	case d.link != "" && !isLink(d.link):
		return t.wrong("link", "%q is not a link such as https://host/path", d.link)
	}
	return nil
}

// repeats tells whether an earlier row has said the same. To say something else there is wrong.
func (t *decisionTable) repeats(r *ruling) (bool, error) {
	key := recordKey{r.Key, r.Format}
	first, again := t.met[key]
	if again && (first.State != r.State || first.Link != r.Link) {
		return true, t.wrong("", "contradicts line %d, which is about the same unknown row", first.line)
	}
	if !again {
		t.met[key] = metDecision{t.line, *r}
	}
	return again, nil
}
