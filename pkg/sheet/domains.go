package sheet

import (
	"maps"
	"slices"
	"strings"
)

// Of a domain that few people can mean a better one is offered. It is never more than an offer, and real domains are not
// to be flagged: mail.com, ymail.com and email.com are near gmail.com and have millions of users. So short names are known
// by their usual misspellings, and only long ones by their likeness.

// providers are the big ones, by the first label, and the endings that they have.
var providers = map[string][]string{
	"gmail":      {"com"},
	"googlemail": {"com"},
	"hotmail":    {"com", "co.uk", "de", "fr", "es", "it", "com.br", "com.mx", "com.ar", "nl", "be", "ch"},
	"outlook":    {"com", "de", "fr", "es", "it", "com.br", "pt", "at", "be"},
	"yahoo":      {"com", "co.uk", "co.in", "co.jp", "de", "fr", "es", "it", "com.br", "com.mx", "com.ar", "ca", "in"},
	"icloud":     {"com"},
	"protonmail": {"com", "ch"},
	"comcast":    {"net"},
	"t-online":   {"de"},
	"freenet":    {"de"},
	"laposte":    {"net"},
	"wanadoo":    {"fr"},
}

// misspelt are the usual ways to miss a short name.
var misspelt = map[string]string{
	"gmial": "gmail", "gmal": "gmail", "gmai": "gmail", "gamil": "gmail", "gmaill": "gmail", "gmil": "gmail", "gmali": "gmail",
	"gnail": "gmail", "gmaul": "gmail", "gmeil": "gmail", "gimail": "gmail", "ggmail": "gmail", "gmmail": "gmail", "gmaiil": "gmail",
	"gmsil": "gmail", "gmaol": "gmail", "gmqil": "gmail", "gmaik": "gmail", "gmailcom": "gmail", "gamail": "gmail",
	"yaho": "yahoo", "yahooo": "yahoo", "yhaoo": "yahoo", "yahho": "yahoo", "yaoo": "yahoo", "yhoo": "yahoo", "yahhoo": "yahoo",
	"iclod": "icloud", "icoud": "icloud", "iclould": "icloud", "iclud": "icloud", "icluod": "icloud", "icloude": "icloud",
	"hotmial": "hotmail", "hotmal": "hotmail", "hotmai": "hotmail", "hotmil": "hotmail", "homail": "hotmail", "hotamil": "hotmail", "hotnail": "hotmail",
	"outlok": "outlook", "outllok": "outlook", "oulook": "outlook", "outloo": "outlook", "outlool": "outlook", "outloook": "outlook",
}

// endings are no top-level domains.
var endings = map[string]string{
	"con": "com", "cmo": "com", "ocm": "com", "vom": "com", "xom": "com", "cpm": "com", "comm": "com", "coom": "com", "c0m": "com",
	"ogr": "org", "rog": "org", "nte": "net",
}

// shortened are real endings under which no provider is.
var shortened = map[string]string{"co": "com", "cm": "com", "om": "com"}

// likelyDomain gives the domain that is meant instead, "" if this one may be meant. It is in lower case and in ASCII.
func likelyDomain(domain string) string {
	label, ending, _ := strings.Cut(domain, ".")
	known, isProvider := providers[label]
	if !isProvider {
		if label = likelyProvider(label); label == "" {
			return mendEnding(domain)
		}
		known = providers[label]
	}
	// "hotmial.xy" may be anybody's: both parts must fit.
	for _, try := range []string{ending, endings[ending], shortened[ending]} {
		better := label + "." + try
		if slices.Contains(known, try) {
			if better == domain {
				return ""
			}
			return better
		}
	}
	return mendEnding(domain)
}

func mendEnding(domain string) string {
	i := strings.LastIndexByte(domain, '.') + 1
	if better := endings[domain[i:]]; better != "" {
		return domain[:i] + better
	}
	return ""
}

// likelyProvider gives the provider whose name this one nearly is, "" if there is none.
func likelyProvider(label string) string {
	if near := misspelt[label]; near != "" {
		return near
	}
	for _, name := range longNames {
		if oneSlip(label, name) {
			return name
		}
	}
	return ""
}

var longNames = slices.DeleteFunc(slices.Sorted(maps.Keys(providers)), func(name string) bool { return len(name) < 7 })

// oneSlip tells whether one letter too many, too few, another or two swapped make a of b. The first letter is never the
// one: who misses it sees it.
func oneSlip(a, b string) bool {
	if len(a)-len(b) > 1 || len(b)-len(a) > 1 || a == "" || a[0] != b[0] || a == b {
		return false
	}
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
