package invite

import (
	"errors"
	"fmt"
	"strconv"
)

// Fault is what is wrong with a value. What many rows have in common is its Reason.
type Fault struct {
	Value  string // as it stands there, cut to what a message can hold
	Reason error  // such as "is not a date"
	Advice string // what to write instead, "" if there is nothing certain
}

func (f *Fault) Error() string {
	return Problem{Value: f.Value, Reason: f.Reason.Error(), Advice: f.Advice}.Text()
}

// Unwrap gives the reason.
func (f *Fault) Unwrap() error { return f.Reason }

// Problem says why a row can't be sent, or what is doubtful about it.
type Problem struct {
	Line   int
	Column string // the file's own header of the column, or "" when the whole row is meant
	Cell   string // of a workbook: such as C7; "" elsewhere
	Value  string // that the reason is about, "" if it is about none
	Reason string // lower case, no full stop; the same for all rows that have the same wrong with them
	Advice string // what to write instead, "" if there is nothing certain
}

// NewProblem tells what err means for a row.
func NewProblem(line int, column, cell string, err error) Problem {
	p := Problem{Line: line, Column: column, Cell: cell, Reason: err.Error()}
	if f, ok := errors.AsType[*Fault](err); ok {
		p.Value, p.Reason, p.Advice = f.Value, f.Reason.Error(), f.Advice
	}
	return p
}

func (p Problem) String() string {
	where := fmt.Sprintf("line %d", p.Line)
	if p.Column != "" {
		where += ", column " + p.Column
	}
	if p.Cell != "" {
		where += ", cell " + p.Cell
	}
	return where + ": " + p.Text()
}

// Text says what is wrong and not where.
func (p Problem) Text() string {
	text := p.Reason
	if p.Value != "" {
		text = strconv.Quote(p.Value) + " " + text
	}
	if p.Advice != "" {
		text += ", " + p.Advice
	}
	return text
}
