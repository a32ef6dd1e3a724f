package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pipeline"
	"batchinvite/pkg/sheet"
)

// badRow is a row that can't be imported.
type badRow struct{ problem invite.Problem }

func (e *badRow) Error() string { return e.problem.String() }

// person is what a row says, nil if it says nothing of somebody who was invited. An error that is no *badRow means the
// whole file.
func (im *importing) person(row invite.Row) (*ledger.Imported, error) {
	in, e := im.batch[row.Origin.File], row.Earlier
	wrong := func(column, format string, args ...any) error {
		return &badRow{invite.Problem{Line: row.Origin.Line, Column: column, Reason: fmt.Sprintf(format, args...)}}
	}
	if e.Rehearsed() {
		return nil, usage(fmt.Errorf("nothing was imported: %s: %s", in.name,
			wrong(in.sheet.Column(sheet.Link), "%q is the link of a rehearsal, which invited nobody", e.Link).Error()))
	}
	state, word := invite.Invited, e.Status
	switch word {
	case invite.StatusDuplicate, invite.StatusInvalid, invite.StatusRejected, invite.StatusNotSent, invite.StatusRevoked:
		im.skipped[word]++
		return nil, nil
	case invite.StatusUnknown:
		state = invite.Unknown
	}
	at, err := im.invitedAt(e.At)
	switch {
	case row.Problem != nil:
		return nil, &badRow{*row.Problem}
	case in.sheet.Recognised() && !slices.Contains(invite.Statuses, word):
		return nil, wrong(invite.ResultColumns[0], "%q is not a status", word)
	case e.Link != "" && !isLink(e.Link):
		return nil, wrong(in.sheet.Column(sheet.Link), "%q is not a link such as https://host/path", e.Link)
	case err != nil:
		return nil, wrong(in.sheet.Column(sheet.InvitedAt), "%s", err)
	}
	return &ledger.Imported{Candidate: row.Candidate, State: state, Link: e.Link, CandidateID: e.CandidateID, ReportID: e.ReportID,
		Expires: e.Expires, At: at}, nil
}

// invitedAt reads the date of an invitation, zero if there is none: as our results have it, or as an expiry may be written.
// Only a flag says whether the day or the month is first.
func (im *importing) invitedAt(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, invite.WireTime, time.DateOnly, time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	e, err := im.order.ParseExpiry(text, "", invite.AsWritten)
	if errors.Is(err, invite.ErrDateOrder) {
		return time.Time{}, fmt.Errorf("%q may have the day or the month first: --date-order dmy|mdy", text)
	}
	if at, err := time.Parse(invite.WireTime, e.Understood()); err == nil {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2030-12-31, 2030-12-31 18:30 or 2030-12-31T18:30:00Z", text)
}

// twins are rows of one file about one person in one format. The ledger would take the first for true and the second for
// a contradiction, while only the file's owner can know which is right.
type twins struct {
	met  *pipeline.Repeats
	said map[twin]*said // by all rows of those that come again; nil until the second pass
}

type twin struct {
	file int
	recordKey
}

// said is what rows say that another one may contradict.
type said struct {
	line                        int // of the first
	state                       invite.State
	link, candidateID, reportID string
}

func newTwins(lines int) twins {
	return twins{pipeline.NewRepeats(lines), map[twin]*said{}}
}

func twinOf(p *ledger.Imported) twin {
	return twin{p.Candidate.Origin.File, recordKey{p.Candidate.Key, p.Candidate.Format}}
}

// meet finds out who comes again.
func (t *twins) meet(p *ledger.Imported) {
	k := twinOf(p)
	place := strconv.Itoa(k.file) + string(k.format) // the campaign is the same everywhere
	if t.met.Seen(invite.Key{Campaign: place, Assessment: k.key.Assessment, Email: k.key.Email}) {
		t.said[k] = nil
	}
}

// compare is the second pass: it gathers what all twins say and tells whether a row is the first of them. A *badRow
// contradicts those before it.
func (t *twins) compare(p *ledger.Imported) (first bool, err error) {
	k := twinOf(p)
	all, again := t.said[k]
	switch {
	case !again:
		return true, nil
	case all == nil:
		all, first = &said{line: p.Candidate.Origin.Line, state: p.State}, true
		t.said[k] = all
	case p.State != all.state, differ(p.Link, all.link), differ(p.CandidateID, all.candidateID), differ(p.ReportID, all.reportID):
		return false, &badRow{invite.Problem{Line: p.Candidate.Origin.Line, Reason: fmt.Sprintf("says %s, and line %d of the same person says %s",
			told(p.State, p.Link, p.ReportID), all.line, told(all.state, all.link, all.reportID))}}
	}
	// Cloned: a field of a row holds on to the whole row's text.
	all.link = cmp.Or(all.link, strings.Clone(p.Link))
	all.candidateID = cmp.Or(all.candidateID, strings.Clone(p.CandidateID))
	all.reportID = cmp.Or(all.reportID, strings.Clone(p.ReportID))
	return first, nil
}

// join is the last pass: it gives the first of some twins what the others say. It is false for those.
func (t *twins) join(p *ledger.Imported) bool {
	all, again := t.said[twinOf(p)]
	if again {
		p.Link, p.CandidateID, p.ReportID = all.link, all.candidateID, all.reportID
	}
	return !again || all.line == p.Candidate.Origin.Line
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }
