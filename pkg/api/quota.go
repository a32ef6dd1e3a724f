package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"batchinvite/pkg/invite"
)

// Bounds of what is believed of headers that only advise. A quota that opens again in more than maxReset is a number of
// another kind.
const (
	maxReset = 31 * 24 * time.Hour
	maxQuota = 1_000_000_000 // calls
)

// quotas is what an answer's headers say of the vendor's rate limit, in the forms of the drafts of RateLimit of the IETF
// (three headers, then a dictionary, then a list) and the X-RateLimit ones before them.
type quotas struct {
	stated []invite.Quota
	spent  bool          // nothing is left
	reset  time.Duration // until there is again, 0 if that is not said
}

// The spellings of the separate headers, from the newest.
var quotaHeaders = []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"}

func readQuotas(h http.Header) quotas {
	var q quotas
	for _, name := range []string{"RateLimit-Policy", "RateLimit-Limit"} {
		for _, it := range items(h, name) {
			q.state(it)
		}
	}
	if list := items(h, "RateLimit"); len(list) > 0 {
		q.readList(list)
		return q
	}
	for _, prefix := range quotaHeaders {
		remaining, known := whole(h.Get(prefix + "Remaining"))
		reset := resetTime(h.Get(prefix+"Reset"), h.Get("Date"), strings.HasPrefix(prefix, "X-"))
		if known || reset > 0 {
			q.spent, q.reset = known && remaining == 0, reset
			return q
		}
	}
	return q
}

// item is one member of a list: its value or name, and its parameters.
type item struct {
	value      string
	parameters map[string]string
}

// state adds the quota of a policy: `100;w=60`, or `"name";q=100;w=60`. A quota in other units than requests is none of
// ours.
func (q *quotas) state(it item) {
	calls, ok := whole(it.value)
	if !ok {
		calls, ok = whole(it.parameters["q"])
	}
	window, known := whole(it.parameters["w"])
	if unit := strings.Trim(it.parameters["qu"], `"`); unit != "" && unit != "requests" {
		return
	}
	if ok && known && calls >= 1 && calls <= maxQuota && window >= 1 && window <= int64(maxPause/time.Second) {
		q.stated = append(q.stated, invite.Quota{Calls: int(calls), Per: time.Duration(window) * time.Second})
	}
}

// readList takes in `"name";r=0;t=30`, or `limit=100, remaining=0, reset=30`. Of several quotas the one that opens last
// counts.
func (q *quotas) readList(list []item) {
	dictionary := item{parameters: map[string]string{}}
	for _, it := range list {
		name, value, _ := strings.Cut(it.value, "=")
		switch name {
		case "remaining":
			dictionary.parameters["r"] = value
		case "reset":
			dictionary.parameters["t"] = value
		}
	}
	for _, it := range append(list, dictionary) {
		remaining, known := whole(it.parameters["r"])
		reset := resetTime(it.parameters["t"], "", false)
		if spent := known && remaining == 0; spent && !q.spent {
			q.spent, q.reset = true, reset
		} else if spent == q.spent {
			q.reset = max(q.reset, reset)
		}
	}
}

// items reads a list of structured fields as far as it is needed here: nothing in it breaks what stands beside it.
func items(h http.Header, name string) (list []item) {
	for _, member := range split(strings.Join(h.Values(name), ","), ',') {
		parts := split(member, ';')
		it := item{value: parts[0], parameters: map[string]string{}}
		for _, p := range parts[1:] {
			key, value, _ := strings.Cut(p, "=")
			it.parameters[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		if it.value != "" {
			list = append(list, it)
		}
	}
	return list
}

// split cuts a text at a separator that is not within quotes, and trims the parts.
func split(s string, separator rune) []string {
	quoted, escaped := false, false
	parts := strings.FieldsFunc(s, func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		}
		return !quoted && r == separator
	})
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) == 0 {
		return []string{""}
	}
	return parts
}

func whole(s string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	return n, err == nil
}

// resetTime reads how long it is until a quota opens: seconds, or where a moment may stand, one in seconds or milliseconds
// of Unix time, which its size tells. A moment counts from the answer's own Date.
func resetTime(value, date string, moment bool) time.Duration {
	value = strings.TrimSpace(value)
	if !seconds.MatchString(value) {
		return 0
	}
	s, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0
	}
	if moment && s >= 1e9 { // as a delta that would be 31 years
		now, err := http.ParseTime(date)
		if err != nil {
			return 0
		}
		if s >= 1e11 {
			s /= 1000
		}
		s -= float64(now.Unix())
	}
	if s <= 0 || s > maxReset.Seconds() {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}
