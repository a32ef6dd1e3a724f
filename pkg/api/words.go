package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"batchinvite/pkg/invite"
)

const (
	maxWords   = 200     // characters of the vendor's that are quoted
	maxLooked  = 4 << 10 // bytes that are searched for the key and addresses before the cut
	maxTitle   = 64 << 10
	maxEscaped = len(`\u0000`)
)

var (
	addresses = regexp.MustCompile(`[^\s<>()\[\]",;:\\]+@[^\s<>()\[\]"',;:?&/\\]+`)
	title     = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	page      = regexp.MustCompile(`(?i)^<(!doctype\s+html|html)`)
)

// secretPattern finds the key in any case, also where its characters are escaped as in JSON, a URL or HTML: each then
// takes up to maxEscaped bytes.
func secretPattern(key string) *regexp.Regexp {
	var p strings.Builder
	p.WriteString(`(?i)`)
	for _, r := range strings.Join(strings.Fields(key), " ") {
		if r == ' ' {
			p.WriteString(`(?: |\+|%20)`)
			continue
		}
		c := string(r)
		fmt.Fprintf(&p, `(?:\\?%s|\\u%04x|%%%02x|%s)`, regexp.QuoteMeta(c), r, r, regexp.QuoteMeta(html.EscapeString(c)))
	}
	return regexp.MustCompile(p.String())
}

// words gives what the vendor itself says in a body: the message and error of a JSON object, the title of a page, or
// else the start of the text.
func (c *Client) words(h http.Header, object map[string]json.RawMessage, body []byte) string {
	message, _ := text(object["message"])
	code, _ := text(object["error"])
	switch {
	case message != "" && code != "":
		return c.quote(message + " (" + code + ")")
	case message != "" || code != "":
		return c.quote(message + code)
	case h.Get("Content-Encoding") != "":
		return "compressed data"
	case isPage(h, body):
		if m := title.FindSubmatch(body[:min(len(body), maxTitle)]); m != nil {
			return `an HTML page "` + c.quote(html.UnescapeString(string(m[1]))) + `"`
		}
		return "an HTML page"
	case bytes.Equal(bytes.TrimSpace(body), []byte("{}")):
		return ""
	}
	return c.quote(string(body))
}

// isPage goes by the body, as servers in PHP call everything text/html.
func isPage(h http.Header, body []byte) bool {
	body = bytes.TrimSpace(body)
	return page.Match(body) || bytes.HasPrefix(body, []byte("<")) && strings.HasPrefix(h.Get("Content-Type"), "text/html")
}

// quote makes foreign text fit to be shown: printable, on one line, the key and addresses masked, and then cut. Of a
// long text only the start is looked at, less what may be half a key at its end.
func (c *Client) quote(s string) string {
	s = printable(s)
	longestKey := maxEscaped * len(c.key)
	if start := maxLooked + 2*longestKey; len(s) > start {
		s = c.scrub(s[:start])
		s = s[:max(0, len(s)-longestKey)]
	} else {
		s = c.scrub(s)
	}
	s = addresses.ReplaceAllStringFunc(s, invite.MaskEmail)
	if r := []rune(s); len(r) > maxWords {
		return string(r[:maxWords-1]) + "…"
	}
	return s
}

// holdsKey is for data. A short key, such as "test", stands in honest data by accident.
func (c *Client) holdsKey(s string) bool {
	return len(c.key) >= 16 && c.secret.MatchString(s)
}

func (c *Client) scrub(s string) string {
	return c.secret.ReplaceAllLiteralString(s, "[API key]")
}

// printable puts text on one line with single spaces, and drops characters that do not show.
func printable(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}
