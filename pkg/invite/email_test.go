package invite

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormalizeEmail_oneSpellingPerAddress(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.org":                      "ann@example.org",
		" Ann.Lee@Example.ORG\t":               "ann.lee@example.org",
		"o'neill+jobs@example.co.uk":           "o'neill+jobs@example.co.uk",
		"zoë@example.org":                      "zoë@example.org",
		"ann@müller.example":                   "ann@xn--mller-kva.example",
		"ann@MÜLLER.example":                   "ann@xn--mller-kva.example",
		"ann@XN--MLLER-KVA.example":            "ann@xn--mller-kva.example",
		"ann@faß.example":                      "ann@xn--fa-hia.example",
		"ann@\uff25xample\u3002org":            "ann@example.org",
		strings.Repeat("x", 64) + "@e.example": strings.Repeat("x", 64) + "@e.example",
	} {
		got, err := NormalizeEmail(in)
		if err != nil || got != want {
			t.Errorf("NormalizeEmail(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestNormalizeEmail_saysWhatIsWrong(t *testing.T) {
	label := strings.Repeat("d", 62)
	for in, want := range map[string]string{
		"":                                 "e-mail address is missing",
		" \t":                              "e-mail address is missing",
		"an\u00a0n@example.org":            "has a special space or an invisible character in it",
		"an\u200bn@example.org":            "has a special space or an invisible character in it",
		"ann":                              "is not an e-mail address",
		"ann@":                             "is not an e-mail address",
		"@example.org":                     "is not an e-mail address",
		"ann@@example.org":                 "is not an e-mail address",
		"ann@example.org.":                 "is not an e-mail address",
		"ann lee@example.org":              "is not an e-mail address",
		"ann@example.org,bob@example.org":  "is not an e-mail address",
		"ann@example.org\r\nBcc: x@y.z":    "is not an e-mail address",
		"Ann <ann@example.org>":            "has more in it than one plain e-mail address",
		"<ann@example.org>":                "has more in it than one plain e-mail address",
		`"ann lee"@example.org`:            "has more in it than one plain e-mail address",
		"ann@example.org (home)":           "has more in it than one plain e-mail address",
		"ann@localhost":                    "has no valid domain after the @",
		"ann@exa_mple.org":                 "has no valid domain after the @",
		"ann@-example.org":                 "has no valid domain after the @",
		"ann@[127.0.0.1]":                  "has no valid domain after the @",
		"ann@com\u3002":                    "has no valid domain after the @",
		strings.Repeat("x", 65) + "@e.org": "has more than the 64 bytes that mail allows before the @",
		"x@" + strings.Repeat(label+".", 4) + "d": "is longer than the 254 bytes that mail allows",
	} {
		got, err := NormalizeEmail(in)
		if err == nil || err.Error() != want {
			t.Errorf("NormalizeEmail(%q) = %q, %v, want %s", in, got, err, want)
		}
	}
}

// addresses are nearly mail addresses: full-width letters and dots, other scripts, letters that grow when lowered.
func addresses() *rapid.Generator[string] {
	local := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("aAzZ09._+-'\u00e9\u00c9\u0130\u212a\u00df")), 1, 40, -1),
		rapid.Map(rapid.IntRange(1, 40), func(n int) string { return strings.Repeat("\u023a", n) }),
	)
	label := rapid.StringOfN(rapid.RuneFrom([]rune("aAzZ09-\u00fc\u00dc\u00df\uff25\u3002\u0130\u0131\u4e2d\u212a")), 1, 12, -1)
	return rapid.Custom(func(rt *rapid.T) string {
		labels := rapid.SliceOfN(label, 1, 3).Draw(rt, "labels")
		return local.Draw(rt, "local") + "@" + strings.Join(append(labels, "example"), ".") +
			rapid.SampledFrom([]string{"", "", "\u3002"}).Draw(rt, "end")
	})
}

// The normal form is the key under which nobody is invited twice, so there is one for each address.
func TestNormalizeEmail_normalFormStays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := addresses().Draw(rt, "address")
		once, err := NormalizeEmail(in)
		if err != nil {
			return
		}
		if twice, err := NormalizeEmail(once); err != nil || twice != once {
			rt.Fatalf("NormalizeEmail(%q) = %q, of which it makes %q, %v", in, once, twice, err)
		}
	})
}

func TestMaskEmail_showsTooLittleToWriteTo(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.org":  "a***@example.org",
		"a@example.org":    "a***@example.org",
		"ünal@example.org": "ü***@example.org",
		"a@b@example.org":  "a***@example.org",
		"@example.org":     "***",
		"ann":              "***",
		"":                 "***",
	} {
		if got := MaskEmail(in); got != want {
			t.Errorf("MaskEmail(%q) = %q, want %q", in, got, want)
		}
	}
}

// The short way must never take what the long one refuses, or spell it in another way.
func TestNormalizeEmail_shortWayAgreesWithTheLongOne(t *testing.T) {
	taken := 0
	part := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9]{1,3}`), rapid.SampledFrom([]string{".", "-", "--", "@", "_", "+", "xn--", "a", "İ", " ", "'",
		strings.Repeat("x", 61), strings.Repeat("y.", 60)}))
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Join(rapid.SliceOfN(part, 0, 12).Draw(rt, "parts"), "")
		if rapid.Bool().Draw(rt, "whole") {
			s = strings.Trim(s, ".-") + "@example.org"
		}
		if !isPlain(s) {
			return
		}
		taken++
		normal, err := normalize(s)
		if err != nil || normal != strings.ToLower(s) {
			rt.Fatalf("normalize(%q) = %q, %v, want %q", s, normal, err, strings.ToLower(s))
		}
	})
	if taken == 0 {
		t.Error("no address went the short way")
	}
	for _, s := range []string{"a@x", "a@.x", "a@x.", "a..b@x.y", ".a@x.y", "a.@x.y", "a@x..y", "a@-x.y", "a@x-.y", "a@x.y-", "@x.y", "a@", "a", "", "a@xn--a.y", "a@b@x.y",
		strings.Repeat("x", 65) + "@e.org", "x@" + strings.Repeat("y", 64) + ".org", "x@" + strings.Repeat("y.", 130) + "org"} {
		if isPlain(s) {
			t.Errorf("isPlain(%q), want it to go the long way", s)
		}
	}
	for _, s := range []string{"ann@example.org", "Ann.Lee+x_1-2@mail-1.example.co.uk", "1@2.3"} {
		if !isPlain(s) {
			t.Errorf("%q goes the long way", s)
		}
	}
}
