package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

const maxBody = 1 << 20 // bytes

// reply is the end of a call: an answer, or in its place a fault.
type reply struct {
	signs  sign
	status int // 0 with a fault
	fault  string
	flaw   string        // why a 2xx is not what was asked for
	words  string        // the vendor's own
	pause  time.Duration // of Retry-After
	quotas quotas
	facts  facts
}

// facts is what an answer gives besides its meaning.
type facts struct {
	link, candidateID, reportID, status string
}

// read takes an answer in. A body that breaks off does not matter to an answer that counts by its status; of a 2xx it
// leaves no sign of success. Reading to the end drains the body, for the connection's next use.
func (c *Client) read(resp *http.Response, j job) reply {
	defer resp.Body.Close()
	r := reply{
		status: resp.StatusCode,
		pause:  retryAfter(resp.Header.Get("Retry-After"), resp.Header.Get("Date")),
		quotas: readQuotas(resp.Header),
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
		r.signs |= torn
		r.flaw = "the answer broke off"
	case len(body) > maxBody:
		r.flaw = "the answer is larger than 1 MiB"
	default:
		c.understand(&r, resp.Header, body, j)
	}
	return r
}

// understand looks for signs in a whole body. Only a whole one is quoted: where another breaks off, half the key might
// stand.
func (c *Client) understand(r *reply, h http.Header, body []byte, j job) {
	object, err := parseObject(body)
	if err != nil {
		r.flaw = err.Error()
	} else {
		var found sign
		r.facts, found, r.flaw = j.understand(object)
		r.signs |= found
	}
	if r.words == "" && (r.signs&inBody == 0 || r.status >= 300) {
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
