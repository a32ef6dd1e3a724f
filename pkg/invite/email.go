package invite

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// Limits of RFC 5321, section 4.5.3.1, in octets. 254 is what is left of a path's 256 without its angle brackets.
const (
	maxLocalPart = 64
	maxAddress   = 254
	maxLabel     = 63
)

var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())

// NormalizeEmail checks that s is one plain mail address and gives the spelling under which it counts once: trimmed,
// lower case, the domain in its ASCII form (IDNA). The error is the reason alone, without the address.
func NormalizeEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	if isPlain(s) {
		return strings.ToLower(s), nil
	}
	return normalize(s)
}

// isPlain finds what most addresses are, in one pass: what normalize would take and merely put into lower case.
func isPlain(s string) bool {
	at, start := -1, 0 // of the part being read: the local one up to a dot, or a label
	for i := range len(s) + 1 {
		c := byte('.') // as if one stood at the end
		if i < len(s) {
			c = s[i]
		}
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case at < 0 && (c == '_' || c == '+' || c == '-'):
		case c == '-' && i > start && i+1 < len(s) && s[i+1] != '-' && s[i+1] != '.': // no xn-- either
		case c == '@' && at < 0 && i > start && i <= maxLocalPart:
			at, start = i, i+1
		case c == '.' && i > start && (at < 0 || i-start <= maxLabel):
			if i == len(s) {
				return at >= 0 && start > at+1 && i <= maxAddress
			}
			start = i + 1
		default:
			return false
		}
	}
	return false
}

func normalize(s string) (string, error) {
	if s == "" {
		return "", errors.New("e-mail address is missing")
	}
	if strings.ContainsFunc(s, invisible) {
		return "", errors.New("has a special space or an invisible character in it")
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return "", errors.New("is not an e-mail address")
	}
	if a.Address != s {
		return "", errors.New("has more in it than one plain e-mail address")
	}
	at := strings.LastIndexByte(s, '@')
	local, domain := strings.ToLower(s[:at]), s[at+1:] // lower first: some letters grow
	if len(local) > maxLocalPart {
		return "", fmt.Errorf("has more than the %d bytes that mail allows before the @", maxLocalPart)
	}
	ascii, err := domains.ToASCII(domain)
	ascii = strings.TrimSuffix(ascii, ".") // of "example.org." and its like in other scripts
	if err != nil || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") {
		return "", errors.New("has no valid domain after the @")
	}
	normal := local + "@" + strings.ToLower(ascii)
	if len(normal) > maxAddress {
		return "", fmt.Errorf("is longer than the %d bytes that mail allows", maxAddress)
	}
	return normal, nil
}

// invisible: net/mail takes letters of every script, and with them what comes along from a web page unseen.
func invisible(r rune) bool {
	return r > unicode.MaxASCII && (unicode.IsSpace(r) || !unicode.IsGraphic(r))
}

// MaskEmail keeps the first letter and the domain: enough to recognise a row, too little to write to it.
func MaskEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 {
		return "***"
	}
	first := []rune(s[:at])[0]
	return string(first) + "***" + s[at:]
}
