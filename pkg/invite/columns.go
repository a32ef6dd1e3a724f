package invite

import (
	"strings"
)

// ResultColumns follow the input's own columns in a results file, in this order. A file whose header ends in all of
// them is one of ours that comes back.
var ResultColumns = []string{
	"invite_status", "invite_link", "invite_error",
	"invite_assessment_id", "invite_format", "invite_expires",
	"invite_candidate_id", "invite_report_id", "invite_api_status",
	"invite_at", "invite_attempts",
}

// WorkbookMark is a name that is defined in workbooks of ours, and which spreadsheet programs keep: their cells have no
// guards, by contrast with a results file in CSV that a program opened and saved as a workbook.
const WorkbookMark = "batchinvite_results"

// Guard puts an apostrophe before a cell that a spreadsheet would run as a formula (OWASP, CSV injection), and before
// one that begins with an apostrophe already, so that Unguard gives every text back. Exact numbers and + followed by
// digits (telephone numbers) stay as they are.
func Guard(cell string) string {
	if needsGuard(cell) {
		return "'" + cell
	}
	return cell
}

// Unguard takes one guard away. It is for cells of our own results files only.
func Unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && needsGuard(rest) {
		return rest
	}
	return cell
}

func needsGuard(cell string) bool {
	if cell == "" {
		return false
	}
	if cell[0] == '\'' || cell[0] == '\t' || cell[0] == '\r' {
		return true
	}
	// Programs that trim a cell, or fold full-width signs, run what is left.
	start := strings.TrimLeft(cell, " \t\r\n\u00a0\ufeff")
	for _, sign := range []string{"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"} {
		if strings.HasPrefix(start, sign) {
			return start != cell || !isNumber(cell)
		}
	}
	return false
}

// isNumber accepts a sign, digits, and at most one point with digits on both sides.
func isNumber(cell string) bool {
	whole, fraction, hasPoint := strings.Cut(cell[1:], ".")
	return (cell[0] == '-' || cell[0] == '+') && isDigits(whole) && (!hasPoint || isDigits(fraction))
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// CellKind is the type that the cells of a column have where a file has types.
type CellKind uint8

// A column whose cells differ is of texts.
const (
	TextCells CellKind = iota
	NumberCells
	DateCells // written as YYYY-MM-DD, or YYYY-MM-DD HH:MM
)
