package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"batchinvite/pkg/invite"
)

// states in the order in which a person wants to know.
var states = []invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Revoked, invite.Unknown, invite.Claimed}

// print is the status for people.
func (st *status) print(w io.Writer) {
	fmt.Fprintf(w, "ledger %s, account %s since %s\n", plain(st.Ledger), st.Account, st.Since.Format(time.RFC3339))
	for _, state := range states {
		if n := st.States[wordOf(state)]; n > 0 || state == invite.Invited || state == invite.Unknown {
			fmt.Fprintf(w, "  %-10s %8d\n", spoken(wordOf(state)), n)
		}
	}
	for _, c := range st.Campaigns {
		fmt.Fprintf(w, "campaign %s: %s\n", plain(c.Name), countsOf(c.States))
	}
	for _, run := range st.Runs {
		run.print(w)
	}
	if st.moreRuns > 0 {
		fmt.Fprintf(w, "and %s before: --runs 0 shows all\n", count(st.moreRuns, "run"))
	}
	for _, row := range st.Open {
		row.print(w)
	}
}

func countsOf(states map[string]int) string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(states)) {
		parts = append(parts, strconv.Itoa(states[s])+" "+spoken(s))
	}
	return strings.Join(parts, ", ")
}

// spoken is the one word that is two for people.
func spoken(word string) string {
	return strings.Replace(word, "in_flight", "in flight", 1)
}

func (r statusRun) print(w io.Writer) {
	ended := "died"
	switch {
	case !r.Ended.IsZero():
		ended = "ended " + r.Ended.UTC().Format(time.RFC3339) + ", took " + short(r.Ended.Sub(r.Started))
	case r.Alive:
		ended = "is alive"
	}
	fmt.Fprintf(w, "run %d: %s", r.ID, r.Command)
	for _, f := range r.Files {
		fmt.Fprintf(w, " %s", plain(f))
	}
	if r.Campaign != "" {
		fmt.Fprintf(w, ", campaign %s", plain(r.Campaign))
	}
	fmt.Fprintf(w, ", %s on %s, %s\n", r.Started.UTC().Format(time.RFC3339), plain(r.Host), ended)
	counts := map[string]int{}
	for s, n := range r.Counts {
		counts[string(s)] = n
	}
	for _, line := range []struct{ name, text string }{{"counts", countsOf(counts)}, {"settings", r.settings()}, {"stopped", r.Stopped}} {
		if line.text != "" {
			fmt.Fprintf(w, "    %s: %s\n", line.name, plain(line.text))
		}
	}
}

// settings are those that differ from their defaults. There are no secrets among them.
func (r statusRun) settings() string {
	var set map[string]any
	if json.Unmarshal(r.Settings, &set) != nil {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		values, isList := set[name].([]any)
		if !isList {
			values = []any{set[name]}
		}
		for _, v := range values {
			parts = append(parts, name+"="+quoted(plain(fmt.Sprint(v))))
		}
	}
	return strings.Join(parts, " ")
}

func (r statusRow) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", spoken(r.State), r.text())
	if r.Resolve != "" && !r.again {
		fmt.Fprintf(w, "  %s\n", plain(r.Resolve))
	}
}

// text is one line about a row, with what to do.
func (r statusRow) text() string {
	text := fmt.Sprintf("%s, assessment %d, %s, campaign %s", r.Email, r.Assessment, r.Format, plain(r.Campaign))
	switch {
	case r.File != "":
		text += fmt.Sprintf(", %s line %d", plain(r.File), r.Line)
	case r.Line > 0:
		text += fmt.Sprintf(", line %d", r.Line)
	}
	text += ", claimed " + r.Since.Format(time.RFC3339)
	if r.Error != "" {
		text += ": " + plain(r.Error)
	}
	if r.again {
		text += "; the next run tries again"
	}
	return text
}

// plain keeps what files and vendors are called from moving the cursor.
func plain(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, obeyed) {
		return strconv.Quote(s)
	}
	return s
}

// asciiControls spells out in JSON what its own rules leave as it is.
func asciiControls(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || !obeyed(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	return b.String()
}

// obeyed: a terminal may do something with it, or show nothing.
func obeyed(r rune) bool { return !unicode.IsPrint(r) }
