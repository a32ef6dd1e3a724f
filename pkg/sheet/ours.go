package sheet

import (
	"slices"
	"strings"

	"batchinvite/pkg/invite"
)

// recognise finds our own result columns. People put columns of their own behind them. What is left of a set no longer
// says whom it is about, so that nothing would keep these people from being invited by another ledger: an error.
func (h *header) recognise(cells []string) error {
	all := len(invite.ResultColumns)
	for h.results = lastFilled(cells) + 1 - all; h.results >= 0; h.results-- {
		if slices.EqualFunc(cells[h.results:h.results+all], invite.ResultColumns, func(cell, name string) bool { return resultName(cell) == name }) {
			h.recognised, h.end = true, h.results+all
			return nil
		}
	}
	var found []string
	outcomes := 0
	for i, cell := range cells {
		name := resultName(cell)
		if name == "" {
			continue
		}
		if found = append(found, name); !slices.Contains(asked, name) {
			outcomes++
		}
		if name == reasonColumn {
			h.results = i
		}
	}
	switch {
	case outcomes == 1 && slices.Contains(found, reasonColumn):
		h.rejects, h.end = true, h.results+1
	case outcomes > 1 || slices.Contains(found, statusColumn):
		return h.incomplete(found)
	}
	return nil
}

// asked are the result columns whose names somebody may give to columns of an input.
var asked = []string{"invite_link", "invite_assessment_id", "invite_format", "invite_expires", "invite_at"}

// incomplete says what is wrong with a set of result columns.
func (h *header) incomplete(found []string) error {
	reason := "are not side by side in their order"
	lost := slices.DeleteFunc(slices.Clone(invite.ResultColumns), func(name string) bool { return slices.Contains(found, name) })
	if len(lost) > 0 {
		reason = "are not all there, without " + strings.Join(lost, ", ")
	}
	return h.fail("use the results file as it was written, or give the column "+found[0]+" and its like other names if these people may be invited anew",
		"the columns of a results file %s", reason)
}

// resultName is the name of the result column that a header is for, "" if it is none.
func resultName(cell string) string {
	name := strings.ToLower(trim(cell))
	if _, ours := resultPlaces[name]; !ours {
		return ""
	}
	return name
}

const (
	statusColumn = "invite_status"
	reasonColumn = "invite_error"
)

// isOurs tells of a file that this program wrote, so that it has our guards and columns.
func (h *header) isOurs() bool { return h.recognised || h.rejects }

// place is where a column of the file's own stands in a record.
func (h *header) place(own int) int {
	if h.isOurs() && own >= h.results {
		return own + h.end - h.results
	}
	return own
}

// unguard takes our guards off the cells of a results file of ours, also where a program made a workbook of it.
func (h *header) unguard(cells []string) {
	if !h.isOurs() || h.marked {
		return
	}
	for i, cell := range cells {
		cells[i] = invite.Unguard(cell)
	}
}

// own gives the cells without our result columns.
func (h *header) own(cells []string) []string { return ownOf(h, cells) }

func ownOf[T any](h *header, columns []T) []T {
	if !h.isOurs() || len(columns) <= h.results {
		return columns
	}
	return append(columns[:h.results:h.results], columns[min(h.end, len(columns)):]...)
}

// resultPlaces are the places of our result columns among themselves.
var resultPlaces = func() map[string]int {
	places := map[string]int{}
	for i, name := range invite.ResultColumns {
		places[name] = i
	}
	return places
}()

// result is a cell of our result columns.
func (h *header) result(cells []string, column string) string {
	if at := h.results + resultPlaces[column]; at < len(cells) {
		return trim(cells[at])
	}
	return ""
}

// reason is why a row was left over, "" if that is not said.
func (h *header) reason(cells []string) string {
	switch {
	case h.recognised:
		return h.result(cells, reasonColumn)
	case h.rejects && h.results < len(cells):
		return trim(cells[h.results])
	}
	return ""
}

// earlier gives what a row says of an invitation that was made before, nil if it is not asked for and our results are
// not there to say it.
func (h *header) earlier(cells []string, asked bool) *invite.Earlier {
	switch {
	case h.recognised:
		r := func(column string) string { return h.result(cells, column) }
		return &invite.Earlier{
			Status: invite.Status(r(statusColumn)), Link: r("invite_link"), Expires: r("invite_expires"),
			CandidateID: r("invite_candidate_id"), ReportID: r("invite_report_id"), At: r("invite_at"),
		}
	case asked:
		return &invite.Earlier{Link: h.cell(cells, Link), At: h.cell(cells, InvitedAt)}
	}
	return nil
}
