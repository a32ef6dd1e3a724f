package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

// shownGroups and shownProblems keep the plan on one screen.
const (
	shownGroups   = 20
	shownProblems = 5
)

// planned is the plan with everything that is said about it.
type planned struct {
	pipeline.Plan
	facts     ledger.Facts
	fresh     bool           // there is no ledger of this account yet
	newIDs    map[int64]bool // assessments never used before
	found     *findings      // nil where they are told elsewhere
	earlier   []pace.Usage   // calls of earlier runs
	differing int            // duplicates that a run would leave without a link; of check
}

// calls is the number of calls the plan foresees, with --limit.
func (p *planned) calls(limit number) int {
	if limit.set {
		return min(limit.n, p.Send)
	}
	return p.Send
}

// plan reads every row and asks the ledger, nil if there is none.
func (s *settings) plan(ctx context.Context, b batch, led ledger.Ledger) (*planned, error) {
	p := &planned{fresh: led == nil, newIDs: map[int64]bool{}, found: newFindings()}
	planner := pipeline.Planner{
		Lookup: func(_ context.Context, keys []invite.Key) ([]invite.History, error) {
			return make([]invite.History, len(keys)), nil
		},
		Policy: s.policy(),
		Size:   b.size(),
		Now:    time.Now(),
		Invalid: func(row invite.Row, problem invite.Problem) {
			p.found.add(kindInvalid, row.Origin.File, problem)
		},
		Warn: func(row invite.Row, warning invite.Problem) {
			p.found.add(kindWarning, row.Origin.File, warning)
		},
	}
	if led != nil {
		planner.Lookup = led.Lookup
		var err error
		if p.facts, err = led.Facts(ctx); err != nil {
			return nil, err
		}
		if p.earlier, err = s.usage(ctx, led); err != nil {
			return nil, err
		}
	}
	var err error
	if p.Plan, err = planner.Plan(ctx, b.rows); err != nil {
		return nil, err
	}
	for _, g := range p.Groups {
		if _, asked := p.newIDs[g.Assessment]; !asked {
			used := false
			if led != nil {
				if used, err = led.Used(ctx, g.Assessment); err != nil {
					return nil, err
				}
			}
			p.newIDs[g.Assessment] = !used
		}
	}
	return p, nil
}

func (s *settings) policy() invite.Policy {
	return invite.Policy{RetryRejected: s.retryRejected, EmailLinked: s.emailLinked, ReinviteRevoked: s.reinvite}
}

// text is the plan as it is printed.
func (p *planned) text(s *settings, b batch, ledgerPath, account string) string {
	var t strings.Builder
	p.ledgerLine(&t, s, ledgerPath, account)
	if s.config != "" {
		fmt.Fprintf(&t, "settings: %s\n", s.config)
	}
	for _, in := range b {
		fmt.Fprintf(&t, "%s: %s; %s\n", in.snapshot.Name, in.sheet.Kind(), in.sheet.Mapping())
		if notice := in.sheet.DateNotice(); notice != "" {
			fmt.Fprintf(&t, "%s: %s\n", in.snapshot.Name, notice)
		}
	}
	if s.timezone == "" && b.hasDates() {
		t.WriteString("zone of dates: sent as written, checked as UTC (--timezone)\n")
	}
	for _, notice := range b.notices() {
		fmt.Fprintf(&t, "warning: %s\n", notice)
	}
	if s.sandbox && p.Foreign > 0 {
		fmt.Fprintf(&t, "warning: of %s the file says that they were invited before; a real run stops there unless its ledger knows them\n", count(p.Foreign, "row"))
	}
	fmt.Fprintf(&t, "%s: %d valid, %d invalid, %s\n", count(p.Rows, "row"), p.Rows-p.Invalid-p.Duplicates, p.Invalid, count(p.Duplicates, "duplicate"))
	if p.found != nil {
		p.found.invalidLines(&t, b)
		if p.Warnings > 0 {
			fmt.Fprintf(&t, "%s: batchinvite check lists them\n", count(p.Warnings, "warning"))
		}
	}
	p.historyLines(&t)
	p.sendLines(&t, s)
	return t.String()
}

func (p *planned) ledgerLine(t *strings.Builder, s *settings, path, account string) {
	switch {
	case s.sandbox && s.ledger == "":
		fmt.Fprintf(t, "ledger: a fresh one for this rehearsal, campaign %s\n", s.campaign)
	case p.fresh:
		fmt.Fprintf(t, "ledger: %s has nothing of account %s yet, campaign %s\n", path, account, s.campaign)
	default:
		fmt.Fprintf(t, "ledger: %s, account %s since %s, %d invited, campaign %s\n", path, account,
			p.facts.Since.UTC().Format(time.DateOnly), p.facts.States[invite.Invited], s.campaign)
	}
	if host, err := os.Hostname(); err == nil && p.facts.LastHost != "" && p.facts.LastHost != host {
		fmt.Fprintf(t, "warning: the last run of this ledger was on host %q, this is %q: if that machine still has a copy of its own, people may be invited twice\n",
			p.facts.LastHost, host)
	}
	var known []string
	for _, c := range p.facts.Campaigns {
		known = append(known, c.Name)
	}
	if len(known) > 0 && !slices.Contains(known, s.campaign) {
		fmt.Fprintf(t, "campaign %q is new: nobody counts as invited in it; known are %s\n", s.campaign, strings.Join(known, ", "))
	}
}

// historyLines tell of the rows that take no call because of what happened before.
func (p *planned) historyLines(t *strings.Builder) {
	for _, line := range []struct {
		n    int
		text string
	}{
		{p.Invited, "already invited"},
		{p.Linked, "have a link and were never e-mailed (--email-linked e-mails them)"},
		{p.Unknown, "unknown, for a person to settle (batchinvite status)"},
		{p.Rejected, "unchanged since they were rejected (--retry-rejected calls again)"},
		{p.Revoked, "revoked (--reinvite-revoked invites again)"},
		{p.InFlight, "being invited by another run right now"},
	} {
		if line.n == 0 {
			continue
		}
		fmt.Fprintf(t, "%d %s", line.n, line.text)
		if line.n == p.Invited && line.text == "already invited" && p.Expired > 0 {
			fmt.Fprintf(t, ", of these %s expired", count(p.Expired, "link"))
		}
		t.WriteString("\n")
	}
}

func (p *planned) sendLines(t *strings.Builder, s *settings) {
	fmt.Fprintf(t, "to send: %d", p.Send)
	if n := p.calls(s.limit); n < p.Send {
		fmt.Fprintf(t, ", of these the first %d now (--limit)", n)
	}
	t.WriteString("\n")
	for i, g := range p.Groups {
		if i == shownGroups {
			fmt.Fprintf(t, "  and %d more groups\n", len(p.Groups)-i)
			break
		}
		mark, expires := "", "no expiry"
		if p.newIDs[g.Assessment] {
			mark = " (never used before)"
		}
		if g.Expires != "" {
			expires = "expires " + g.Expires
		}
		if g.Sent != "" {
			expires += ", sent as " + g.Sent
		}
		fmt.Fprintf(t, "  %6d  assessment %d%s, %s, %s\n", g.Rows, g.Assessment, mark, g.Format, expires)
	}
	for _, campaign := range slices.Sorted(maps.Keys(p.Elsewhere)) {
		fmt.Fprintf(t, "  %6d  of these are or may be invited in campaign %s\n", p.Elsewhere[campaign], campaign)
	}
	if p.Send == 0 {
		return
	}
	s.paceLines(t, p.calls(s.limit), p.earlier)
	if s.timezone != "" {
		fmt.Fprint(t, s.zoneExample())
	}
}

// zoneExample shows with one date what the zones do.
func (s *settings) zoneExample() string {
	text := time.Now().AddDate(0, 0, 30).Format(time.DateOnly) + " 18:00"
	e, err := invite.ParseExpiry(text, "", s.dates)
	if err != nil {
		return ""
	}
	sent, _ := e.Due(time.Now())
	return fmt.Sprintf("dates: %s in %s is sent as %s (%s)\n", text, s.timezone, sent, s.vendorTimezone)
}
