package sheet

import (
	"errors"
	"strings"

	"batchinvite/pkg/invite"
)

// checkEmail gives the address to send to, and normalised. What mail programs and web pages put around an address is
// taken off only where the whole cell is none.
func checkEmail(cell string) (email, normal string, err error) {
	text, err := clean(cell)
	if err != nil {
		return "", "", err
	}
	normal, err = invite.NormalizeEmail(text)
	if err == nil || text == "" {
		return text, normal, err
	}
	if email = bareAddress(text); email != text {
		if normal, err := invite.NormalizeEmail(email); err == nil {
			return email, normal, nil
		}
	}
	if n := countAddresses(text); n == 2 {
		err = errors.New("has two addresses in it: split the row")
	} else if n > 2 {
		err = errors.New("has several addresses in it: split the row")
	}
	return "", "", &invite.Fault{Value: cut(text), Reason: err}
}

// maxDressed is the longest text that may be an address with its name, in bytes.
const maxDressed = 1024

// bareAddress takes off "mailto:", quotes and brackets, stops at the ends, and the name before <address>.
func bareAddress(s string) string {
	for len(s) <= maxDressed {
		before := s
		s = strings.Trim(trim(s), ".,;")
		if rest, ok := cutPrefixFold(s, "mailto:"); ok {
			s, _, _ = strings.Cut(rest, "?") // a subject
		}
		for _, pair := range []string{`""`, "''", "<>", "()", "[]"} {
			if len(s) >= 2 && s[0] == pair[0] && s[len(s)-1] == pair[1] {
				s = s[1 : len(s)-1]
			}
		}
		if name, address, ok := strings.Cut(s, "<"); ok && strings.IndexAny(address, "<>") == len(address)-1 {
			address = strings.TrimSuffix(address, ">")
			// Programs that know no name put the address in its place. Another address is another person.
			if !strings.Contains(name, "@") || strings.EqualFold(bareAddress(name), bareAddress(address)) {
				s = address
			}
		}
		if s == before {
			break
		}
	}
	return s
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// countAddresses counts what is an address by itself among what stands apart.
func countAddresses(s string) (n int) {
	apart := func(r rune) bool { return strings.ContainsRune(",;/|<>()[]", r) || trim(string(r)) == "" }
	for word := range strings.FieldsFuncSeq(s, apart) {
		if isAddress(word) {
			n++
		}
	}
	return n
}

func isAddress(s string) bool {
	if !strings.Contains(s, "@") {
		return false
	}
	_, err := invite.NormalizeEmail(bareAddress(s))
	return err == nil
}
