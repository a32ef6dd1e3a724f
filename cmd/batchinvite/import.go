package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/results"
)

func (a *app) importCommand() *cobra.Command {
	s, why := &settings{forImport: true}, ""
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Tell the ledger of people who were invited before: by script, page, another machine",
		Long: `Tell the ledger of people who were invited before: by a script, by the vendor's page, by another machine. No calls are made.

FILE is a results file (what it calls invited or unknown counts, the rest is left out), also the .partial one of a run that
died, or a table with an address, an assessment id and a format, and, if they are known, a link and a date (columns "link" and
"invited_at", or --map; in UTC unless the date says otherwise): every row of that counts as invited.

Unless every row can be right nothing is imported. What the ledger knows already is never weakened: people about whom it
knows something else are listed and left as they are.`,
		Args: cobra.MinimumNArgs(1),
	}
	how := group("For the audit", func(f *pflag.FlagSet) {
		f.StringVar(&why, "why", "", "how you know, `text`; default the name of the file")
	})
	rows := pick("Which rows", s, "assessment-id", "format", "campaign", "map", "sheet", "override", "encoding", "delimiter", "no-header", "date-order")
	rows.flags.Lookup("map").Usage += ", link, invited_at"
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
	if err := refuseSources(files); err != nil {
		return 0, err
	}
	b, err := a.copyInputs(ctx, files)
	if err != nil {
		return 0, stoppedEarly(ctx, err)
	}
	defer func() { err = errors.Join(err, b.close()) }()
	im := newImporting(b, invite.DateOrder(s.dateOrder.value))
	if err := im.read(ctx, s); err != nil {
		return 0, stoppedEarly(ctx, err)
	}
	p, err := s.place()
	if err != nil {
		return 0, err
	}
	if err := a.sayImport(ctx, im, p); err != nil {
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

// refuseSources: of "*.csv" a results file tells who was invited, and its source would call everybody that.
func refuseSources(files []string) error {
	for _, name := range files {
		if hasSource(strings.TrimSuffix(name, results.Partial("")), files) {
			return usage(fmt.Errorf("%s holds results of a file that is here too, every row of which would count as invited", name),
				"name the results alone: batchinvite import "+quoted(name))
		}
	}
	return nil
}

// sayImport says what is about to be done.
func (a *app) sayImport(ctx context.Context, im *importing, p *place) error {
	led, err := p.read(ctx)
	if err != nil {
		return err
	}
	begun := ", begun by this import"
	if led != nil {
		begun, err = "", led.Close()
	}
	a.sayf("ledger: %s, account %s, campaign %s%s\n", p.path, p.account, p.settings.campaign, begun)
	for _, in := range im.batch {
		kind := "invited by somebody else"
		if in.sheet.Recognised() {
			kind = "results of a run"
		}
		a.sayf("%s: %s; %s\n", in.snapshot.Name, kind, in.sheet.Mapping())
	}
	for _, w := range append(im.warnings, im.batch.notices()...) {
		a.sayf("warning: %s\n", w)
	}
	a.sayf("to import: %d invited, %d unknown\n", im.found[invite.Invited], im.found[invite.Unknown])
	return err
}

// importing takes people over into the ledger, in several passes: nothing is written before all is known to be right.
type importing struct {
	batch    batch
	order    invite.DateOrder
	warnings []string
	twins    twins
	found    map[invite.State]int  // what the current pass has met, twins counted once
	skipped  map[invite.Status]int // and left out
	told     map[ledger.Import]int
	against  []string // what is contradicted, the first of them
}

const (
	importChunk    = 256
	shownConflicts = 20
)

func newImporting(b batch, order invite.DateOrder) *importing {
	return &importing{batch: b, order: order, twins: newTwins(b.size()), found: map[invite.State]int{}, skipped: map[invite.Status]int{},
		told: map[ledger.Import]int{}}
}

// read understands the files and checks every row.
func (im *importing) read(ctx context.Context, s *settings) error {
	for _, in := range im.batch {
		if !strings.HasSuffix(in.name, results.Partial("")) {
			continue
		}
		line, err := in.snapshot.DropCutLine()
		if err != nil {
			return err
		}
		w := in.name + " is of a run that did not end: whom it called last may be missing, look at the vendor's list before the next run"
		if line > 0 {
			w += fmt.Sprintf("; line %d is cut off and left out", line)
		}
		im.warnings = append(im.warnings, w)
	}
	if err := im.batch.read(s); err != nil {
		return err
	}
	err := im.each(ctx, func(p *ledger.Imported) error {
		im.twins.meet(p)
		im.found[p.State]++
		return nil
	})
	im.twins.met.Freeze()
	if err == nil && len(im.twins.said) > 0 {
		err = im.each(ctx, func(p *ledger.Imported) error {
			first, err := im.twins.compare(p)
			if first {
				im.found[p.State]++
			}
			return err
		})
	}
	return cmp.Or(err, im.batch.contradiction())
}

// each is one pass over the people of the files. Rows that can't be right are gathered into one error.
func (im *importing) each(ctx context.Context, do func(*ledger.Imported) error) error {
	clear(im.found)
	clear(im.skipped)
	var problems []string
	wrong := 0
	for row, err := range im.batch.rows {
		if err := cmp.Or(err, context.Cause(ctx)); err != nil {
			return err
		}
		person, err := im.person(row)
		if person != nil {
			err = do(person)
		}
		bad, isRow := errors.AsType[*badRow](err)
		if err != nil && !isRow {
			return err
		}
		if isRow {
			if wrong++; wrong <= shownProblems {
				problems = append(problems, im.batch[row.Origin.File].name+": "+bad.Error())
			}
		}
	}
	if wrong == 0 {
		return nil
	}
	if more := wrong - len(problems); more > 0 {
		problems = append(problems, fmt.Sprintf("and %d more", more))
	}
	return usage(fmt.Errorf("nothing was imported, as %s can't be right: %s", count(wrong, "row"), strings.Join(problems, "; ")))
}

// write is the last pass.
func (im *importing) write(ctx context.Context, led ledger.Ledger, why string) error {
	var chunk []ledger.Imported
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
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
	err := im.each(ctx, func(p *ledger.Imported) error {
		if !im.twins.join(p) {
			return nil
		}
		im.found[p.State]++
		if chunk = append(chunk, *p); len(chunk) < importChunk {
			return nil
		}
		return flush()
	})
	return cmp.Or(err, flush())
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
	fmt.Fprintf(&b, "ledger: %s, account %s\n%s in %s:\n", p.path, p.account, count(im.found[invite.Invited]+im.found[invite.Unknown], "invitation"), strings.Join(im.batch.names(), ", "))
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
		fmt.Fprintf(&b, "left out: %d %s", im.skipped[status], status)
		if status == invite.StatusRevoked {
			b.WriteString(", whom a run invites again unless the ledger knows of it")
		}
		b.WriteString("\n")
	}
	return b.String()
}
