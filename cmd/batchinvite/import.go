package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
)

func (a *app) importCommand() *cobra.Command {
	s, why := &settings{}, ""
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Tell the ledger of people who were invited before: by script, page, another machine",
		Long: `Tell the ledger of people who were invited before: by a script, by the vendor's page, by another machine. No calls are made.

FILE is a results file (what it calls invited or unknown counts, the rest is left out), or a CSV with an address, an
assessment id and a format, and, if they are known, a link and a date (columns "link" and "invited_at", or --map). What the
ledger knows already is never weakened: people about whom it knows something else are listed and left as they are.`,
		Args: cobra.MinimumNArgs(1),
	}
	how := group("For the audit", func(f *pflag.FlagSet) {
		f.StringVar(&why, "why", "", "how you know, `text`; default the name of the file")
	})
	rows := pick("Which rows", s, "assessment-id", "format", "campaign", "map", "override")
	groups := []flagGroup{rows, how, s.placeFlags()}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		code, err := a.importFiles(cmd, s, files, why)
		if err != nil {
			return err
		}
		return finished{code}
	}
	addGroups(cmd, groups...)
	return cmd
}

func (a *app) importFiles(cmd *cobra.Command, s *settings, files []string, why string) (code int, err error) {
	ctx, _, release := a.watchSignals(cmd.Context())
	defer release()
	s.forImport = true
	b, err := a.copyInputs(ctx, files)
	if err != nil {
		return 0, stoppedEarly(ctx, err)
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.read(s); err != nil {
		return 0, err
	}
	im := &importing{batch: b, skipped: map[invite.Status]int{}, told: map[ledger.Import]int{}}
	if err := im.check(ctx); err != nil {
		return 0, stoppedEarly(ctx, err)
	}
	p, err := s.place()
	if err != nil {
		return 0, err
	}
	led, err := sqlite.Open(ctx, p.path, p.account, p.options(sqlite.Create, "import "+strings.Join(b.names(), " "), s.wait))
	if err != nil {
		return 0, stoppedEarly(ctx, err)
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	err = im.write(ctx, led, cmp.Or(strings.TrimSpace(why), "import of "+strings.Join(b.names(), ", ")))
	fmt.Fprint(a.out, im.text(p))
	if err != nil {
		return 0, stoppedEarly(ctx, err)
	}
	if im.told[ledger.ImportContradiction] > 0 {
		return exitSomeFailed, nil
	}
	return exitDone, nil
}

// importing takes people over into the ledger, in two passes: nothing is written before all is known to be right.
type importing struct {
	batch   batch
	people  int
	skipped map[invite.Status]int
	told    map[ledger.Import]int
	against []string // what is contradicted, the first of them
}

const (
	importChunk    = 256
	shownConflicts = 20
)

// person is what a row says, nil if it says nothing of somebody who was invited.
func (im *importing) person(row invite.Row) (*ledger.Imported, error) {
	e := row.Earlier
	state := invite.Invited
	switch e.Status {
	case "", invite.StatusInvited, invite.StatusAlreadyInvited:
	case invite.StatusUnknown:
		state = invite.Unknown
	default:
		im.skipped[e.Status]++
		return nil, nil
	}
	wrong := func(column, format string, args ...any) error {
		return errors.New(invite.Problem{Line: row.Origin.Line, Column: column, Reason: fmt.Sprintf(format, args...)}.String())
	}
	at, err := parseInvitedAt(e.At)
	switch {
	case row.Problem != nil:
		return nil, errors.New(row.Problem.String())
	case e.Rehearsed():
		return nil, wrong("", "the link %q is a rehearsal's, which invited nobody", e.Link)
	case e.Link != "" && !isLink(e.Link):
		return nil, wrong("", "%q is not a link such as https://host/path", e.Link)
	case err != nil:
		return nil, wrong("", "%s", err)
	}
	return &ledger.Imported{Candidate: row.Candidate, State: state, Link: e.Link, CandidateID: e.CandidateID, ReportID: e.ReportID,
		Expires: e.Expires, At: at}, nil
}

// parseInvitedAt reads the date of an invitation, zero if there is none.
func parseInvitedAt(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2030-12-31 or 2030-12-31T18:30:00Z", text)
}

// check is the first pass.
func (im *importing) check(ctx context.Context) error {
	var problems []string
	wrong := 0
	err := im.each(ctx, func(row invite.Row) error {
		person, err := im.person(row)
		switch {
		case err != nil:
			if wrong++; wrong <= shownProblems {
				problems = append(problems, im.batch[row.Origin.File].name+": "+err.Error())
			}
		case person != nil:
			im.people++
		}
		return nil
	})
	if err != nil {
		return err
	}
	clear(im.skipped)
	if more := wrong - len(problems); more > 0 {
		problems = append(problems, fmt.Sprintf("and %d more", more))
	}
	if wrong > 0 {
		return usage(fmt.Errorf("nothing was imported, as %s can't be: %s", count(wrong, "row"), strings.Join(problems, "; ")))
	}
	return nil
}

func (im *importing) each(ctx context.Context, do func(invite.Row) error) error {
	for row, err := range im.batch.rows {
		if err := cmp.Or(err, context.Cause(ctx)); err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return nil
}

// write is the second pass.
func (im *importing) write(ctx context.Context, led ledger.Ledger, why string) error {
	var chunk []ledger.Imported
	flush := func() error {
		verdicts, err := led.Import(ctx, chunk, who(), why)
		if err != nil {
			return err
		}
		for i, v := range verdicts {
			if im.told[v]++; v == ledger.ImportContradiction && im.told[v] <= shownConflicts {
				if err := im.contradicted(ctx, led, chunk[i]); err != nil {
					return err
				}
			}
		}
		chunk = chunk[:0]
		return nil
	}
	err := im.each(ctx, func(row invite.Row) error {
		person, err := im.person(row)
		if err != nil || person == nil {
			return err
		}
		if chunk = append(chunk, *person); len(chunk) < importChunk {
			return nil
		}
		return flush()
	})
	if err != nil || len(chunk) == 0 {
		return err
	}
	return flush()
}

// contradicted says what the ledger has, and what the file says.
func (im *importing) contradicted(ctx context.Context, led ledger.Ledger, i ledger.Imported) error {
	h, err := led.Lookup(ctx, []invite.Key{i.Candidate.Key})
	if err != nil {
		return err
	}
	has := "nothing"
	if own := h[0].Of(i.Candidate.Format); own != nil {
		has = told(own.Outcome.State, own.Outcome.Link, own.Outcome.ReportID)
	}
	o := i.Candidate.Origin
	im.against = append(im.against, fmt.Sprintf("%s: line %d, %s: the ledger says %s, the file %s", im.batch[o.File].name, o.Line,
		invite.MaskEmail(i.Candidate.Key.Email), has, told(i.State, i.Link, i.ReportID)))
	return nil
}

func told(state invite.State, link, report string) string {
	text := string(state)
	if link != "" {
		text += " with " + link
	}
	if report != "" {
		text += ", report " + report
	}
	return text
}

// text is what became of it.
func (im *importing) text(p *place) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ledger: %s, account %s\n%s in %s:\n", p.path, p.account, count(im.people, "invitation"), strings.Join(im.batch.names(), ", "))
	for _, line := range []struct {
		v    ledger.Import
		text string
	}{
		{ledger.ImportNew, "new"},
		{ledger.ImportKnown, "known already"},
		{ledger.ImportSettled, "settled, which were unknown, rejected or not sent"},
		{ledger.ImportContradiction, "contradictory, and left as the ledger has them"},
	} {
		if n := im.told[line.v]; n > 0 || line.v == ledger.ImportNew {
			fmt.Fprintf(&b, "  %8d  %s\n", n, line.text)
		}
	}
	for _, text := range im.against {
		fmt.Fprintf(&b, "%s\n", text)
	}
	if more := im.told[ledger.ImportContradiction] - len(im.against); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	for _, status := range slices.Sorted(maps.Keys(im.skipped)) {
		fmt.Fprintf(&b, "left out: %d %s\n", im.skipped[status], status)
	}
	return b.String()
}
