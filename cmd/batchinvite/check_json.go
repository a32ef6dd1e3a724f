package main

import (
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/sheet"
)

// checked is the JSON of check.
type checked struct {
	Ledger   string    `json:"ledger"`
	Account  string    `json:"account"`
	Campaign string    `json:"campaign"`
	Since    time.Time `json:"since,omitzero"`
	Settings string    `json:"settings,omitempty"`

	Files          []checkedFile `json:"files"`
	Timezone       string        `json:"timezone,omitempty"`
	VendorTimezone string        `json:"vendor_timezone"`

	Rows       int            `json:"rows"`
	Valid      int            `json:"valid"`
	Invalid    int            `json:"invalid"`
	Duplicates int            `json:"duplicates"`
	Warnings   int            `json:"warnings"`
	Problems   []checkedGroup `json:"problems"`

	AlreadyInvited int `json:"already_invited"`
	ExpiredLinks   int `json:"expired_links"`
	Linked         int `json:"linked"`
	Unknown        int `json:"unknown"`
	Rejected       int `json:"rejected"`
	Revoked        int `json:"revoked"`
	InFlight       int `json:"in_flight"`
	Foreign        int `json:"foreign"`

	Send      int              `json:"to_send"`
	Emails    int              `json:"emails"`
	Calls     int              `json:"calls"`
	Groups    []checkedSending `json:"groups"`
	Elsewhere map[string]int   `json:"elsewhere"`

	Rates   []string  `json:"rates"`
	Seconds float64   `json:"seconds"`
	Fit     int       `json:"fit"`
	Resume  time.Time `json:"resume,omitzero"`
}

type checkedFile struct {
	Name      string                `json:"name"`
	Kind      string                `json:"kind"`
	Encoding  string                `json:"encoding,omitempty"`
	Marked    bool                  `json:"byte_order_mark,omitempty"`
	Delimiter string                `json:"delimiter,omitempty"`
	Worksheet string                `json:"worksheet,omitempty"`
	Columns   map[sheet.Field]taken `json:"columns"`
	Unread    []string              `json:"not_read"`
	Dates     string                `json:"dates,omitempty"`
	Notices   []string              `json:"notices"`
}

// taken tells where a field comes from.
type taken struct {
	Columns  []string `json:"columns,omitempty"`
	Default  string   `json:"default,omitempty"`
	Override bool     `json:"override,omitempty"`
}

type checkedGroup struct {
	File   string       `json:"file"`
	Kind   kind         `json:"kind"`
	Column string       `json:"column,omitempty"`
	Reason string       `json:"reason"`
	Rows   int          `json:"rows"`
	First  []checkedRow `json:"first"`
}

type checkedRow struct {
	Line   int    `json:"line"`
	Cell   string `json:"cell,omitempty"`
	Value  string `json:"value,omitempty"`
	Advice string `json:"advice,omitempty"`
}

type checkedSending struct {
	Assessment int64         `json:"assessment_id"`
	Format     invite.Format `json:"format"`
	Expires    string        `json:"expires,omitempty"`
	Sent       string        `json:"sent,omitempty"`
	Rows       int           `json:"rows"`
	New        bool          `json:"new"`
}

func newChecked(p *planned, s *settings, b batch, at *place) *checked {
	calls := p.calls(s.limit)
	foreseen := pace.Foresee(calls, s.rates.values, p.earlier, s.giveUpAfter)
	c := &checked{
		Ledger: at.path, Account: at.account, Campaign: s.campaign, Since: p.facts.Since.UTC(), Settings: s.config,
		Files: []checkedFile{}, Timezone: s.timezone, VendorTimezone: s.vendorTimezone,
		Rows: p.Rows, Valid: p.Rows - p.Invalid - p.Duplicates, Invalid: p.Invalid, Duplicates: p.Duplicates, Warnings: p.Warnings,
		Problems:       checkedProblems(p.found, b),
		AlreadyInvited: p.Invited, ExpiredLinks: p.Expired, Linked: p.Linked, Unknown: p.Unknown, Rejected: p.Rejected, Revoked: p.Revoked,
		InFlight: p.InFlight, Foreign: p.Foreign,
		Send: p.Send, Emails: p.Emails, Calls: calls, Groups: []checkedSending{}, Elsewhere: p.Elsewhere,
		Rates: []string{}, Seconds: foreseen.Takes.Round(time.Millisecond).Seconds(), Fit: foreseen.Fit,
	}
	if c.Fit < calls {
		c.Resume = foreseen.Resume.UTC()
	}
	for _, in := range b {
		c.Files = append(c.Files, checkedFileOf(in))
	}
	for _, g := range p.Groups {
		c.Groups = append(c.Groups, checkedSending{g.Assessment, g.Format, g.Expires, g.Sent, g.Rows, p.newIDs[g.Assessment]})
	}
	for _, r := range s.rates.values {
		c.Rates = append(c.Rates, r.String())
	}
	return c
}

func checkedFileOf(in *input) checkedFile {
	f := checkedFile{Name: in.name, Kind: "csv", Columns: map[sheet.Field]taken{}, Unread: in.sheet.Unread(), Dates: in.sheet.DateNotice(), Notices: []string{}}
	for field, t := range in.sheet.Taken() {
		f.Columns[field] = taken(t)
	}
	f.Notices = append(f.Notices, in.sheet.Notices()...)
	if f.Worksheet = in.sheet.Worksheet(); f.Worksheet != "" {
		f.Kind = "xlsx"
		return f
	}
	shape := in.sheet.Shape()
	f.Encoding, f.Marked, f.Delimiter = shape.Encoding, shape.BOM, string(shape.Delimiter)
	return f
}

// otherReasons stands for the groups that are too many to be told apart.
const otherReasons = "other reasons"

func checkedProblems(found *findings, b batch) []checkedGroup {
	all := []checkedGroup{}
	for file, in := range b {
		for _, k := range kinds {
			groups, others := found.of(where{file, k})
			for _, g := range groups {
				group := checkedGroup{File: in.name, Kind: k, Column: g.column, Reason: g.reason, Rows: g.count}
				for _, p := range g.first {
					group.First = append(group.First, checkedRow{p.Line, p.Cell, p.Value, p.Advice})
				}
				all = append(all, group)
			}
			if others > 0 {
				all = append(all, checkedGroup{File: in.name, Kind: k, Reason: otherReasons, Rows: others, First: []checkedRow{}})
			}
		}
	}
	return all
}
