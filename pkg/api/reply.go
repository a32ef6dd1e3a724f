package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"batchinvite/pkg/invite"
)

const maxBody = 1 << 20 // bytes

// reply is the end of a call: an answer, or in its place a fault.
type reply struct {
	signs      sign
	status     int // 0 with a fault
	fault      string
	flaw       string // why a 2xx is not an invitation
	words      string // the vendor's own
	pause      time.Duration
	invitation invitation
}

// invitation is what a good answer gives.
type invitation struct {
	link, candidateID, reportID, status string
}

// read takes an answer in. A body that breaks off does not matter to an answer that counts by its status; of a 2xx it
// leaves no sign of an invitation. Reading to the end drains the body, for the connection's next use.
func (c *Client) read(resp *http.Response, email string) reply {
	defer resp.Body.Close()
	r := reply{
		status: resp.StatusCode,
		pause:  retryAfter(resp.Header.Get("Retry-After"), resp.Header.Get("Date")),
	}
	if r.pause > 0 {
		r.signs |= asks
	}
	if to := resp.Header.Get("Location"); to != "" && r.status/100 == 3 {
		r.words = "redirect to " + c.quote(to)
	}
	if r.status < 200 {
		return r // after 101 the body is the bare connection and never ends
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		r.flaw = "the answer broke off"
	case len(body) > maxBody:
		r.flaw = "the answer is larger than 1 MiB"
	default:
		c.understand(&r, resp.Header, body, email)
	}
	return r
}

// understand looks for signs in a whole body. Only a whole one is quoted: where another breaks off, half the key might
// stand.
func (c *Client) understand(r *reply, h http.Header, body []byte, email string) {
	object, err := parseObject(body)
	if err != nil {
		r.flaw = err.Error()
	} else {
		var found sign
		r.invitation, found, r.flaw = c.invitationIn(object, email)
		r.signs |= found
	}
	if r.words == "" && (r.signs&(link|id) == 0 || r.status >= 300) {
		r.words = c.words(h, object, body)
	}
	if code, _ := text(object["error"]); code == "limit_exceed" {
		r.signs |= limit
	}
}

// parseObject reads one JSON object. Unlike json.Unmarshal it minds the case of names, and refuses one that stands
// twice with different values, since then nobody can say which is meant.
func parseObject(body []byte) (map[string]json.RawMessage, error) {
	errSyntax := errors.New("the answer is not JSON")
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errSyntax
	}
	object := map[string]json.RawMessage{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errSyntax
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errSyntax
		}
		if earlier, ok := object[name.(string)]; ok && !bytes.Equal(earlier, value) {
			return nil, errors.New("the answer has two different values of one name")
		}
		object[name.(string)] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errSyntax
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errSyntax
	}
	return object, nil
}

// invitationIn gives the sign link or id, or the flaw for which the object is no invitation of this candidate.
func (c *Client) invitationIn(object map[string]json.RawMessage, email string) (invitation, sign, string) {
	var inv invitation
	var whose string
	for _, field := range []struct {
		name string
		to   *string
		read func(json.RawMessage) (string, bool)
	}{
		{"email", &whose, text},
		{"invite_link", &inv.link, text},
		{"status", &inv.status, text},
		{"candidate_id", &inv.candidateID, number},
		{"report_id", &inv.reportID, number},
	} {
		var ok bool
		if *field.to, ok = field.read(object[field.name]); !ok {
			return invitation{}, 0, "the answer's " + field.name + " is of the wrong type"
		}
	}
	got, err := invite.NormalizeEmail(whose)
	switch {
	case whose == "":
		return invitation{}, 0, "the answer names no e-mail address"
	case err != nil || got != email:
		return invitation{}, 0, "the answer names another e-mail address"
	case inv.link != "" && !c.isLink(inv.link):
		return invitation{}, 0, "the answer's invite_link is not an https link"
	case inv.link == "" && inv.candidateID == "" && inv.reportID == "":
		return invitation{}, 0, "the answer has no link"
	}
	for _, s := range []*string{&inv.status, &inv.candidateID, &inv.reportID} {
		if *s = printable(*s); c.holdsKey(*s) {
			*s = c.quote(*s)
		}
	}
	if inv.link == "" {
		return inv, id, "the answer has no link"
	}
	return inv, link, ""
}

// isLink accepts what can be given to a candidate.
func (c *Client) isLink(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return false
	}
	odd := func(r rune) bool { return r == ' ' || r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	return !strings.ContainsFunc(s, odd) && !c.holdsKey(s)
}

// text reads a string; absent and null are "".
func text(raw json.RawMessage) (string, bool) {
	var s string
	return s, len(raw) == 0 || json.Unmarshal(raw, &s) == nil
}

// number reads an id, which may be a number or a string, and keeps it as it is written. 0 is no id.
func number(raw json.RawMessage) (string, bool) {
	if s, ok := text(raw); ok {
		return s, true
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return "", false
	}
	if n == "0" {
		return "", true
	}
	return n.String(), true
}
