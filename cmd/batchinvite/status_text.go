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

	"batchinvite/pkg/invite"
)

// states in the order in which a person wants to know.
var states = []invite.State{invite.Invited, invite.Rejected, invite.NotSent, invite.Revoked, invite.Unknown, invite.Claimed}

// print is the status for people.
func (st *status) print(w io.Writer, showEmails bool) {
	fmt.Fprintf(w, "ledger %s, account %s since %s\n", plain(st.Ledger), st.Account, st.Since.Format(time.RFC3339))
	for _, state := range states {
		if n := st.States[wordOf(state)]; n > 0 || state == invite.Invited || state == invite.Unknown {
			fmt.Fprintf(w, "  %-10s %8d\n", wordOf(state), n)
		}
	}
	for _, c := range st.Campaigns {
		fmt.Fprintf(w, "campaign %s: %s\n", c.Name, countsOf(c.States))
	}
	for _, run := range st.Runs {
		run.print(w)
	}
	for _, row := range st.Open {
		row.print(w, showEmails)
	}
}

func countsOf(states map[string]int) string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(states)) {
		parts = append(parts, strconv.Itoa(states[s])+" "+s)
	}
	return strings.Join(parts, ", ")
}

func (r statusRun) print(w io.Writer) {
	ended := "died"
	switch {
	case !r.Ended.IsZero():
		ended = "took " + short(r.Ended.Sub(r.Started))
	case r.Alive:
		ended = "is alive"
	}
	fmt.Fprintf(w, "run %d: %s", r.ID, r.Command)
	for _, f := range r.Files {
		fmt.Fprintf(w, " %s", plain(f))
	}
	if r.Campaign != "" {
		fmt.Fprintf(w, ", campaign %s", r.Campaign)
	}
	fmt.Fprintf(w, ", %s on %s, %s\n", r.Started.UTC().Format(time.RFC3339), r.Host, ended)
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
		parts = append(parts, fmt.Sprintf("%s=%v", name, set[name]))
	}
	return strings.Join(parts, " ")
}

func (r statusRow) print(w io.Writer, showEmails bool) {
	fmt.Fprintf(w, "%s: %s\n", r.State, r.text())
	if showEmails && r.State == string(invite.Unknown) && r.Format == string(invite.SendLink) {
		fmt.Fprintf(w, "  %s --sent|--not-sent --why TEXT\n", r.resolve)
	}
}

// text is one line about a row, with what to do.
func (r statusRow) text() string {
	where := fmt.Sprintf("line %d", r.Line)
	if r.File != "" {
		where = plain(r.File) + " " + where
	}
	text := fmt.Sprintf("%s, assessment %d, %s, campaign %s, %s, claimed %s", r.Email, r.Assessment, r.Format, r.Campaign, where, r.Since.Format(time.RFC3339))
	if r.Error != "" {
		text += ": " + plain(r.Error)
	}
	if r.State == string(invite.Unknown) && r.Format == string(invite.GetLink) {
		text += "; the next run tries again"
	}
	return text
}

// plain keeps what files and vendors are called from moving the cursor.
func plain(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
