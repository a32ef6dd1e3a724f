package sheet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func TestCheckEmail_takesOffWhatStandsAroundAnAddress(t *testing.T) {
	for _, cell := range []string{
		"ann@example.org", " ann@example.org\u00a0", "\u200bann@example.org\u00a0\u00a0",
		"Ann Lee <ann@example.org>", `"Lee, Ann" <ann@example.org>`, "Lee, Ann <ann@example.org>;", "<ann@example.org>", "Ann<ann@example.org>",
		"mailto:ann@example.org", "MAILTO:ann@example.org?subject=Your%20test", "Ann <mailto:ann@example.org>",
		"ann@example.org.", "ann@example.org,", "ann@example.org;", "ann@example.org\u00a0, ", ";ann@example.org..",
		`"ann@example.org"`, "'ann@example.org'", "'ann@example.org';", `"<ann@example.org>"`, "(ann@example.org)", "[ann@example.org]",
		"ann@example.org<mailto:ann@example.org>", "'ann@example.org' <ann@example.org>", `"Ann@Example.org" <ann@example.org>`,
	} {
		email, normal, err := checkEmail(cell)
		if err != nil || email != "ann@example.org" || normal != "ann@example.org" {
			t.Errorf("checkEmail(%q) = %q, %q, %v, want ann@example.org", cell, email, normal, err)
		}
	}
}

// What counted as an address before anything was taken off is sent as it stands: its fingerprint is in ledgers.
func TestCheckEmail_leavesAloneWhatIsAnAddress(t *testing.T) {
	for _, cell := range []string{"Ann.Lee@Example.ORG", "'ann@example.org", "zo\u00eb@b\u00fccher.example", "ann@example.org\u3002", "mailto.x@example.org"} {
		if email, _, err := checkEmail(cell); err != nil || email != cell {
			t.Errorf("checkEmail(%q) = %q, %v, want it as it is", cell, email, err)
		}
	}
}

func TestCheckEmail_saysWhatIsWrong(t *testing.T) {
	long := "<" + strings.Repeat("(", 2000) + "ann@example.org"
	for cell, want := range map[string]string{
		"":                                 "e-mail address is missing",
		"ann@example.org, bob@example.org": `"ann@example.org, bob@example.org" has two addresses in it: split the row`,
		"ann@example.org;bob@example.org;": `"ann@example.org;bob@example.org;" has two addresses in it: split the row`,
		"ann@example.org bob@example.org":  `"ann@example.org bob@example.org" has two addresses in it: split the row`,
		"ann@example.org\nbob@example.org": `"ann@example.org\nbob@example.org" has two addresses in it: split the row`,
		"ann@example.org/bob@example.org":  `"ann@example.org/bob@example.org" has two addresses in it: split the row`,
		"a@x.org <ann@example.org>":        `"a@x.org <ann@example.org>" has two addresses in it: split the row`,
		"A <a@x.org>, B <b@x.org>":         `"A <a@x.org>, B <b@x.org>" has two addresses in it: split the row`,
		"a@x.org,b@x.org,c@x.org":          `"a@x.org,b@x.org,c@x.org" has several addresses in it: split the row`,
		"ann@example.org, a@b":             `"ann@example.org, a@b" is not an e-mail address`,
		"ann@@example.org.":                `"ann@@example.org." is not an e-mail address`,
		"Ann <ann>":                        `"Ann <ann>" is not an e-mail address`,
		`"ann@example.org`:                 `"\"ann@example.org" is not an e-mail address`,
		"mailto:":                          `"mailto:" is not an e-mail address`,
		"<>":                               `"<>" is not an e-mail address`,
		"ann@example.org (home)":           `"ann@example.org (home)" has more in it than one plain e-mail address`,
		"an\u200bn@example.org":            `"an\u200bn@example.org" has a special space or an invisible character in it`,
		long:                               `"` + long[:60] + `…" is not an e-mail address`,
	} {
		if email, _, err := checkEmail(cell); err == nil || err.Error() != want {
			t.Errorf("checkEmail(%q) = %q, %v, want %s", cut(cell), email, err, want)
		}
	}
}

func TestLikelyDomain_knowsCommonTypos(t *testing.T) {
	for domain, want := range map[string]string{
		"gmial.com": "gmail.com", "gmal.com": "gmail.com", "gmail.con": "gmail.com", "gmail.cmo": "gmail.com", "gmail.co": "gmail.com", "gmial.con": "gmail.com",
		"hotmial.com": "hotmail.com", "hotmall.com": "hotmail.com", "hotmaill.co.uk": "hotmail.co.uk", "hotmail.om": "hotmail.com",
		"yaho.com": "yahoo.com", "yaho.co.uk": "yahoo.co.uk", "yahoo.con": "yahoo.com", "outlok.com": "outlook.com", "outloook.de": "outlook.de",
		"iclod.com": "icloud.com", "protonmial.com": "protonmail.com", "comcas.net": "comcast.net", "t-onlin.de": "t-online.de",
		"example.con": "example.com", "example.ogr": "example.org", "mail.example.nte": "mail.example.net",
	} {
		if got := likelyDomain(domain); got != want {
			t.Errorf("likelyDomain(%q) = %q, want %q", domain, got, want)
		}
	}
}

func TestLikelyDomain_leavesRealOnesAlone(t *testing.T) {
	for _, domain := range []string{
		"gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "outlook.com", "yahoo.com", "yahoo.co.uk", "yahoo.co.jp", "icloud.com", "protonmail.com",
		"mail.com", "email.com", "ymail.com", "fmail.com", "gmx.de", "gmx.net", "gmx.com", "gmx.at", "web.de", "aol.com", "live.com", "msn.com", "me.com", "mac.com",
		"proton.me", "pm.me", "mail.ru", "yandex.ru", "qq.com", "163.com", "126.com", "free.fr", "orange.fr", "sfr.fr", "libero.it", "uol.com.br", "bol.com.br",
		"rocketmail.com", "cloud.com", "t-online.de", "online.de", "freenet.de", "zoho.com", "fastmail.com", "hey.com", "hotmail.gr", "yahoo.com.au", "gmail.example",
		"hotmial.example", "example.org", "company.co", "school.om", "telekom.cm", "xn--mller-kva.example", "hotels.com", "notmail.com", "outlook.example.org",
	} {
		if got := likelyDomain(domain); got != "" {
			t.Errorf("likelyDomain(%q) = %q, want none", domain, got)
		}
	}
}

func TestRows_warnOfATypoAndSendAllTheSame(t *testing.T) {
	row := one(t, "Name,E-mail\nAnn,Ann <ann@Gmial.com>\n", options())
	want := []invite.Problem{{Line: 2, Column: "E-mail", Reason: "gmial.com: did you mean gmail.com?"}}
	if diff := cmp.Diff(want, row.Warnings); diff != "" || row.Problem != nil {
		t.Errorf("problem %v, warnings (-want +got):\n%s", row.Problem, diff)
	}
	if got := row.Candidate.Email; got != "ann@Gmial.com" {
		t.Errorf("address = %q, want the cell's without the name", got)
	}
	if got := row.Cells[1]; got != "Ann <ann@Gmial.com>" {
		t.Errorf("cell = %q, want it as it stands in the file", got)
	}
	row = one(t, "Name,E-mail\nAnn,'ann@example.org\n", options())
	want = []invite.Problem{{Line: 2, Column: "E-mail", Value: "'ann@example.org", Reason: "begins with an apostrophe", Advice: "did you mean ann@example.org?"}}
	if diff := cmp.Diff(want, row.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if row := one(t, "Name,E-mail\nAnn,ann@example.org\n", options()); row.Warnings != nil {
		t.Errorf("warnings = %v, want nil", row.Warnings)
	}
}

func FuzzEmail(f *testing.F) {
	for _, seed := range []string{
		"ann@example.org", "Ann Lee <ann@example.org>;", "mailto:ann@example.org?subject=x", "'a@b.c'", "a@b.c, d@e.f", "<<a@b.c>>", "a@b.c<mailto:a@b.c>",
		"ann@b\u00fccher.example.", "a@gmial.con", "a@\uff25xample\u3002org", "\u200b<\u00a0a@b.c\u00a0>", "@<@<@<", "\"a@b.c", "a@[127.0.0.1]", "a@xn--a.b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		email, normal, err := checkEmail(cell)
		if err != nil {
			if email != "" || normal != "" || err.Error() == "" {
				t.Errorf("checkEmail(%q) = %q, %q with error %v", cell, email, normal, err)
			}
			return
		}
		if again, same, err := checkEmail(email); err != nil || again != email || same != normal {
			t.Errorf("checkEmail(%q) = %q, of which it makes %q, %v", cell, email, again, err)
		}
		if again, same, err := checkEmail(normal); err != nil || again != normal || same != normal {
			t.Errorf("checkEmail(%q) = %q normalised, of which it makes %q, %v", cell, normal, again, err)
		}
		local, domain, ok := strings.Cut(normal, "@")
		if !ok || local == "" || strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || !strings.Contains(domain, ".") {
			t.Errorf("checkEmail(%q) = %q, want an address with an ASCII domain", cell, normal)
		}
		if better := likelyDomain(domain); better == domain || better != "" && likelyDomain(better) != "" {
			t.Errorf("%q: %s may be meant to be %s", cell, domain, better)
		}
	})
}
