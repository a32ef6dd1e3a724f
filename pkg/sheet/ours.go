package sheet

import (
	"slices"

	"batchinvite/pkg/invite"
)

// recognise finds our own result columns. People put columns of their own behind them.
func (h *header) recognise(cells []string) {
	all := len(invite.ResultColumns)
	for h.results = lastFilled(cells) + 1 - all; h.results >= 0; h.results-- {
		if slices.EqualFunc(cells[h.results:h.results+all], invite.ResultColumns, func(cell, name string) bool { return trim(cell) == name }) {
			h.recognised, h.end = true, h.results+all
			return
		}
	}
	isReason := func(cell string) bool { return trim(cell) == "invite_error" }
	if h.results = slices.IndexFunc(cells, isReason); h.results >= 0 && !slices.ContainsFunc(cells, isOtherResult) {
		h.rejects, h.end = true, h.results+1
	}
}

// isOtherResult: where some result columns are left, others were taken out, and what stands there is the user's business.
func isOtherResult(cell string) bool {
	_, ours := resultPlaces[trim(cell)]
	return ours && trim(cell) != "invite_error"
}

// isOurs tells of a file that this program wrote, so that it has our guards and columns.
func (h *header) isOurs() bool { return h.recognised || h.rejects }

// place is where a column of the file's own stands in a record.
func (h *header) place(own int) int {
	if h.isOurs() && own >= h.results {
		return own + h.end - h.results
	}
	return own
}

// unguard takes our guards off the cells of a results file of ours.
func (h *header) unguard(cells []string) {
	if !h.isOurs() || h.typed {
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

// earlier gives what a row says of an invitation that was made before, nil if it is not asked for and our results are
// not there to say it.
func (h *header) earlier(cells []string, asked bool) *invite.Earlier {
	switch {
	case h.recognised:
		r := func(column string) string { return h.result(cells, column) }
		return &invite.Earlier{
			Status: invite.Status(r("invite_status")), Link: r("invite_link"), Expires: r("invite_expires"),
			CandidateID: r("invite_candidate_id"), ReportID: r("invite_report_id"), At: r("invite_at"),
		}
	case asked:
		return &invite.Earlier{Link: h.cell(cells, Link), At: h.cell(cells, InvitedAt)}
	}
	return nil
}
