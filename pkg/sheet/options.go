package sheet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"batchinvite/pkg/invite"
)

// Field is something that a sheet may say of a candidate, as it is spelt in --map.
type Field string

// The fields. The last three may be given by a Default too.
const (
	Name         Field = "name"
	FirstName    Field = "first_name"
	LastName     Field = "last_name"
	SecondName   Field = "second_last_name" // in Spanish; a column of its own, and never without the first
	Email        Field = "email"
	AssessmentID Field = "assessment_id"
	Format       Field = "format"
	Expires      Field = "expires"
	// Of an import only.
	Link      Field = "link"
	InvitedAt Field = "invited_at"
)

// fieldOrder is the order in which fields are looked for, checked and listed.
var fieldOrder = []Field{Name, FirstName, LastName, SecondName, Email, AssessmentID, Format, Expires, Link, InvitedAt}

// words name the fields in sentences.
var words = map[Field]string{
	Name: "name", FirstName: "first name", LastName: "last name", SecondName: "second last name", Email: "e-mail address",
	AssessmentID: "assessment id", Format: "invite format", Expires: "expiry date", Link: "invite link", InvitedAt: "date of the invitation",
}

// Default is what a flag or the configuration says of a field for all rows that do not say it themselves.
type Default struct {
	Value    string // trimmed, "" for none
	Typed    bool   // on the command line, so that a row that says something else contradicts it
	Override bool   // it wins over what rows say
}

// Options say how to read a sheet.
type Options struct {
	Campaign string // trimmed and in lower case
	File     int    // the sheet's place among the run's files, from 0
	Zones    invite.Zones
	// Encoding and Delimiter are found out if they are "" and 0, else as ParseEncoding and ParseDelimiter give them.
	Encoding  string
	Delimiter rune
	// Map gives the header of a field's column, or its number from 1, both as the user typed them.
	Map map[string]string
	// NoHeader reads a file whose first row is one of people. One of our results has its header all the same.
	NoHeader bool
	// DateOrder reads dates such as 3/4/2031. Undecided is to find it out from the whole column.
	DateOrder invite.DateOrder
	// Import reads a file of people who were invited before: they may have no name, and a link and a date are understood.
	// Of a results file, what was really sent counts.
	Import bool
	// Sheet is the worksheet of a workbook to read, by name or number; "" is the first with rows. It is an error for
	// files of other kinds.
	Sheet string
	// Defaults may hold AssessmentID, Format and Expires.
	Defaults map[Field]Default

	sep    bool // the delimiter is from the file's first line
	typed  bool // the cells have types
	marked bool // the workbook is one that this program wrote, so that no cell has a guard
}

// Check finds what is wrong with the options whatever the file is, and names the flag.
func (o Options) Check() error {
	_, mapErr := o.columns()
	_, defaultErr := newChecks(o)
	return errors.Join(mapErr, defaultErr)
}

// columns gives Map with the fields' own spelling.
func (o Options) columns() (map[Field]string, error) {
	columns := map[Field]string{}
	for _, typed := range slices.Sorted(maps.Keys(o.Map)) {
		i := slices.IndexFunc(o.fields(), func(f Field) bool { return squash(typed) == squash(string(f)) })
		if i < 0 {
			return nil, fmt.Errorf("--map %s: there is no such field, the fields are %s", assign(typed, o.Map[typed]), o.fieldNames())
		}
		if _, twice := columns[fieldOrder[i]]; twice {
			return nil, fmt.Errorf("--map %s: this field is given twice", assign(typed, o.Map[typed]))
		}
		columns[fieldOrder[i]] = o.Map[typed]
	}
	return columns, nil
}

// fields are those that a sheet may have a column for.
func (o Options) fields() []Field {
	if o.Import {
		return fieldOrder
	}
	return fieldOrder[:slices.Index(fieldOrder, Link)]
}

func (o Options) fieldNames() string {
	var names []string
	for _, f := range o.fields() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// assign spells an argument of --map.
func assign(field, column string) string { return field + "=" + shellQuoted(column) }

// shellQuoted spells a text so that a shell gives it back, in double quotes if it can.
func shellQuoted(text string) string {
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }):
		return strconv.Quote(text) // to be seen, though not to be typed
	case strings.ContainsAny(text, "\"\\$`!"):
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return `"` + text + `"`
}

func (f Field) flag() string { return "--" + strings.ReplaceAll(string(f), "_", "-") }
