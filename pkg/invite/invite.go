// Package invite holds the words that every other package speaks: what a row, a candidate, a key, a claim, an outcome
// and a result are. It knows no file, no network and no database, and imports the standard library and x/net/idna only.
package invite

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Format is how a candidate gets the link.
type Format string

// The vendor knows two formats.
const (
	GetLink  Format = "getlink"  // only creates a link, which the user shares
	SendLink Format = "sendlink" // the vendor e-mails the candidate
)

var errFormat = fmt.Errorf("is not an invite format, use %s or %s", GetLink, SendLink)

// ParseFormat reads a format as the vendor's API spells it.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case GetLink, SendLink:
		return f, nil
	}
	return "", &Fault{Value: s, Reason: errFormat}
}

func (f Format) other() Format {
	if f == GetLink {
		return SendLink
	}
	return GetLink
}

// Key is the unit of "never twice": one person in one assessment of one campaign.
type Key struct {
	Campaign   string // trimmed, lower case
	Assessment int64
	Email      string // as NormalizeEmail gives it
}

// Candidate is a row that passed the checks: what is about to be sent, and where it stands.
type Candidate struct {
	Key    Key
	Name   string
	Email  string // as the sheet spells it, trimmed
	Format Format
	Expiry Expiry
	Origin Origin
}

// Origin is the place of a row: the file's position among the run's files (from 0), and the physical line it begins on
// (from 1).
type Origin struct {
	File, Line int
}

// Fingerprint tells whether a row has changed since it was claimed. It covers the sheet's text, so that "7d" stays "7d"
// from one day to the next.
func (c Candidate) Fingerprint() string {
	h := sha256.New()
	for _, s := range []string{c.Name, c.Email, strconv.FormatInt(c.Key.Assessment, 10), string(c.Format), c.Expiry.Text} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return string(h.Sum(nil)[:8])
}

// Row is one line of an input. A row whose Problem is nil carries a valid Candidate.
type Row struct {
	Origin    Origin
	Cells     []string // every column as it stands in the file, also those nobody knows
	Candidate Candidate
	Problem   *Problem
	Warnings  []Problem // of a valid row: what a person should look at; mostly nil
	// Earlier is nil where the file says nothing of the past. A results file of ours does, and so does an import.
	Earlier *Earlier
}

// Earlier is what a file says of an invitation that was made before: the result columns of a results file of ours, or the
// columns of a file that is imported. The texts are as they stand there, trimmed; "" elsewhere.
type Earlier struct {
	Status                      Status
	Link, CandidateID, ReportID string
	Expires                     string // as it was sent
	At                          string
}

// Rehearsed tells whether the link is one of a rehearsal, which invited nobody.
func (e Earlier) Rehearsed() bool {
	link, err := url.Parse(e.Link)
	return err == nil && strings.HasSuffix(link.Hostname(), ".invalid")
}
