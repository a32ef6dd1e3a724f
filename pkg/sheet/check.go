package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"batchinvite/pkg/invite"
)

const maxName = 255 // characters

// values are a row's cells by field, as they stand in the file. All are strings, so that no value can make the mapping
// fail: what is wrong with one is for checks to say.
type values struct {
	Name         string `csv:"name"`
	FirstName    string `csv:"first_name"`
	LastName     string `csv:"last_name"`
	SecondName   string `csv:"second_last_name"`
	Email        string `csv:"email"`
	AssessmentID string `csv:"assessment_id"`
	Format       string `csv:"format"`
	Expires      string `csv:"expires"`
}

// checks makes rows of records. A copy of it serves one pass.
type checks struct {
	options    Options
	header     *header
	assessment setting[int64]
	format     setting[invite.Format]
	expires    setting[invite.Expiry]
	dates      dates
	titled     titled

	domain, better string // the last one met, and the one that is meant instead
}

// newChecks reads the defaults once for all rows. Its error names the flags.
func newChecks(o Options) (checks, error) {
	noDate, err := invite.ParseExpiry("", "", o.Zones) // knows the vendor's zone all the same
	c := checks{
		options:    o,
		assessment: setting[int64]{Default: o.Defaults[AssessmentID], parse: parseAssessment},
		format:     setting[invite.Format]{Default: o.Defaults[Format], parse: parseFormat},
		expires: setting[invite.Expiry]{
			Default: o.Defaults[Expires],
			value:   noDate,
			parse: func(text, column string) (invite.Expiry, error) {
				// A flag is a column of its own.
				order, _ := invite.OrderOf(text)
				return cmp.Or(o.DateOrder, order).ParseExpiry(cut(text), column, o.Zones)
			},
			same: invite.Expiry.Same,
		},
		dates: dates{order: o.DateOrder},
	}
	return c, errors.Join(err, c.assessment.init(AssessmentID), c.format.init(Format), c.expires.init(Expires))
}

// row checks one record.
func (c *checks) row(rec record, v *values) invite.Row {
	origin := invite.Origin{File: c.options.File, Line: rec.line}
	row := invite.Row{Origin: origin, Cells: c.header.own(rec.cells)}
	row.Earlier = c.header.earlier(rec.cells, c.options.Import)
	if c.header.sent {
		v.AssessmentID = cmp.Or(c.header.result(rec.cells, "invite_assessment_id"), v.AssessmentID)
		v.Format = cmp.Or(c.header.result(rec.cells, "invite_format"), v.Format)
	}
	if at, err := c.header.misplaced(rec, row.Earlier); err != nil {
		problem := invite.NewProblem(rec.line, "", "", err)
		if at >= 0 && at < len(c.header.labels) {
			problem.Column = cut(c.header.labels[at])
		}
		row.Problem = &problem
		return row
	}
	c.dates.line = rec.line
	var candidate invite.Candidate
	field, err := c.uncomputed(rec)
	if err == nil {
		candidate, field, err = c.candidate(v, rec.line)
	}
	if err != nil {
		problem := c.header.problem(rec.line, field, err)
		row.Problem = &problem
		return row
	}
	row.Candidate = candidate
	row.Candidate.Origin = origin
	c.titled.see(row.Cells)
	if candidate.Expiry.Column != Expires.flag() {
		row.Candidate.Expiry.Cell = c.header.ref(rec.line, Expires)
	}
	row.Warnings = c.warnings(&row.Candidate, row.Cells)
	return row
}

// candidate gives the first field that is wrong, and why.
func (c *checks) candidate(v *values, line int) (none invite.Candidate, wrong Field, err error) {
	name, err := c.name(v)
	if err != nil && !c.options.Import {
		return none, Name, err
	}
	email, normal, err := checkEmail(v.Email)
	if err != nil {
		return none, Email, err
	}
	assessment, err := c.assessment.of(v.AssessmentID, AssessmentID, c.header)
	if err != nil {
		return none, AssessmentID, err
	}
	format, err := c.format.of(v.Format, Format, c.header)
	if err != nil {
		return none, Format, err
	}
	expires, err := c.expires.of(v.Expires, Expires, c.header)
	if err != nil {
		return none, Expires, err
	}
	c.assessment.count(line)
	c.format.count(line)
	c.expires.count(line)
	return invite.Candidate{
		Key:    invite.Key{Campaign: c.options.Campaign, Assessment: assessment, Email: normal},
		Name:   name,
		Email:  email,
		Format: format,
		Expiry: expires,
	}, "", nil
}

func (c *checks) name(v *values) (string, error) {
	name, err := clean(v.Name)
	if _, whole := c.header.columns[Name]; !whole {
		var first, last, second string
		first, err = clean(v.FirstName)
		if err == nil {
			last, err = clean(v.LastName)
		}
		if err == nil {
			second, err = clean(v.SecondName)
		}
		name = trim(first + " " + last + " " + second)
	}
	if err != nil {
		return "", err
	}
	name = oneLine(name)
	if name == "" {
		return "", errors.New("name is missing")
	}
	if utf8.RuneCountInString(name) > maxName {
		return "", fault(name, "is longer than "+strconv.Itoa(maxName)+" characters")
	}
	return name, nil
}

// oneLine puts a space where a name has a line break.
func oneLine(name string) string {
	if !strings.ContainsFunc(name, breaksLine) {
		return name
	}
	lines := strings.FieldsFunc(name, breaksLine)
	for i, line := range lines {
		lines[i] = trim(line)
	}
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), " ")
}

// breaksLine is of tabs too, which stand for the same: a cell with several lines.
func breaksLine(r rune) bool {
	return r >= '\t' && r <= '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// setting is a field that a Default may fill.
type setting[T comparable] struct {
	Default
	parse func(text, column string) (T, error)
	same  func(a, b T) bool // nil for ==

	value          T      // of the Default, or what stands for none
	text           string // the last one that could be parsed
	last           T
	contradicts    bool // the row being checked does
	contradictions Contradiction
}

func (s *setting[T]) init(f Field) (err error) {
	if s.Value == "" {
		if s.Override {
			return fmt.Errorf("--override %s: there is no %s", f.flag()[2:], f.flag())
		}
		return nil
	}
	if s.value, err = s.parse(s.Value, f.flag()); err != nil {
		return fmt.Errorf("%s: %w", f.flag(), err)
	}
	return nil
}

// of gives the value that counts for a row.
func (s *setting[T]) of(cell string, f Field, h *header) (T, error) {
	s.contradicts = false
	if s.Override {
		return s.value, nil
	}
	text, err := clean(cell)
	switch {
	case err != nil:
		return s.value, err
	case text == "" && s.Value == "" && f != Expires:
		return s.value, fmt.Errorf("%s is missing", words[f])
	case text == "":
		return s.value, nil
	}
	own, err := s.last, error(nil)
	if text != s.text { // mostly the same again
		if own, err = s.parse(text, h.label(f)); err == nil {
			s.text, s.last = text, own
		}
	}
	s.contradicts = s.Typed && err == nil && s.differs(own)
	return own, err
}

func (s *setting[T]) differs(own T) bool {
	if s.same == nil {
		return own != s.value
	}
	return !s.same(own, s.value)
}

// count is called for rows that are valid as a whole: nobody is invited by the others.
func (s *setting[T]) count(line int) {
	if s.contradicts {
		if s.contradictions.Rows++; s.contradictions.Rows == 1 {
			s.contradictions.Line, s.contradictions.Value = line, cut(s.text)
		}
	}
}

// fault is a reason that quotes the value.
func fault(value, reason string) error {
	return &invite.Fault{Value: cut(value), Reason: errors.New(reason)}
}

var (
	errGrouped = errors.New("is not plain digits")
	errZero    = errors.New("begins with a zero")
)

// parseAssessment takes digits, and the ".0" that some programs put behind whole numbers. What else becomes of a number
// (1e3, a leading zero, 4,711) is refused rather than guessed at: a wrong guess is another assessment.
func parseAssessment(text, _ string) (int64, error) {
	digits, zeros, _ := strings.Cut(text, ".")
	if strings.Trim(zeros, "0") != "" || strings.HasSuffix(text, ".") {
		digits = text
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case isGrouped(text):
		plain := strings.NewReplacer(".", "", ",", "").Replace(text)
		return 0, &invite.Fault{Value: cut(text), Reason: errGrouped, Advice: "write " + cut(plain) + " if that is the assessment"}
	case strings.Trim(digits, "0123456789") != "", strings.Trim(digits, "0") == "":
		return 0, fault(text, "is not a positive whole number")
	case digits[0] == '0':
		return 0, &invite.Fault{Value: cut(text), Reason: errZero, Advice: "write " + cut(strings.TrimLeft(digits, "0"))}
	case err != nil:
		return 0, fault(text, "is too large for an assessment id")
	}
	return id, nil
}

// isGrouped tells of a number whose thousands are set apart, or may be: 4.000 is four in one country and four thousand in
// the next.
func isGrouped(text string) bool {
	groups := strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == ',' })
	if len(groups) < 2 || len(strings.Join(groups, ".")) != len(text) || len(groups[0]) > 3 {
		return false
	}
	for i, g := range groups {
		if strings.Trim(g, "0123456789") != "" || i > 0 && len(g) != 3 {
			return false
		}
	}
	return true
}

func parseFormat(text, _ string) (invite.Format, error) {
	f, err := invite.ParseFormat(strings.ToLower(text))
	if err != nil {
		return invite.ParseFormat(cut(text)) // quotes it as it is written
	}
	return f, nil
}
