package invite

import (
	"testing"

	"pgregory.net/rapid"
)

func TestGuard_formulasOnly(t *testing.T) {
	for cell, want := range map[string]string{
		"":                      "",
		"Ann":                   "Ann",
		"ann@example.org":       "ann@example.org",
		"Zoë":                   "Zoë",
		"-5":                    "-5",
		"+49301234":             "+49301234",
		"-1.50":                 "-1.50",
		"1=1":                   "1=1",
		"=1+1":                  "'=1+1",
		"+1+1":                  "'+1+1",
		"-2+3":                  "'-2+3",
		"-":                     "'-",
		"-.5":                   "'-.5",
		"-5.":                   "'-5.",
		"-1.2.3":                "'-1.2.3",
		"-5 ":                   "'-5 ",
		"+49 30 1234":           "'+49 30 1234",
		"@SUM(A1)":              "'@SUM(A1)",
		"=HYPERLINK(\"x\")":     "'=HYPERLINK(\"x\")",
		"'quoted":               "''quoted",
		"'=1":                   "''=1",
		"\tx":                   "'\tx",
		"\rx":                   "'\rx",
		"\nx":                   "\nx",
		"\n=1":                  "'\n=1",
		"  =1":                  "'  =1",
		" -5":                   "' -5",
		"\u00a0@x":              "'\u00a0@x",
		"\ufeff=1":              "'\ufeff=1",
		"\uff1d1+1":             "'\uff1d1+1",
		"\uff0bcmd|' /C calc'!": "'\uff0bcmd|' /C calc'!",
	} {
		if got := Guard(cell); got != want {
			t.Errorf("Guard(%q) = %q, want %q", cell, got, want)
		}
		if got := Unguard(want); got != cell {
			t.Errorf("Unguard(%q) = %q, want %q", want, got, cell)
		}
	}
}

// Only what Guard added is taken away: people's apostrophes are theirs.
func TestUnguard_leavesForeignApostrophes(t *testing.T) {
	for _, cell := range []string{"'tis", "'", "'-5", "O'Neill", "'+49301234"} {
		if got := Unguard(cell); got != cell {
			t.Errorf("Unguard(%q) = %q, want it unchanged", cell, got)
		}
	}
}

func TestUnguard_givesEveryTextBack(t *testing.T) {
	texts := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("'=+-@ \t\r\n\u00a0\ufeff\uff1d\uff0b\uff0d\uff20a1.")), 0, 8, -1),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		cell := texts.Draw(rt, "cell")
		if got := Unguard(Guard(cell)); got != cell {
			rt.Fatalf("Unguard(Guard(%q)) = %q", cell, got)
		}
	})
}
