package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
)

// erasure is what purge is told.
type erasure struct {
	olderThan age
	email     string
	forget    bool
	why       string
	yes       bool
}

// age is a time before which something is old: 180d, 8w, or a date.
type age struct {
	text   string
	before time.Time
}

func (o *age) Set(text string) error {
	text = strings.TrimSpace(text)
	for unit, days := range map[string]int{"d": 1, "w": 7} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < 40_000 {
				*o = age{text, time.Now().AddDate(0, 0, -n*days)}
				return nil
			}
		}
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return fmt.Errorf("%q is neither a number of days such as 180d, of weeks such as 26w, nor a date such as 2030-12-31", text)
	}
	if date.After(time.Now()) {
		return fmt.Errorf("%q is yet to come: that would be everybody", text)
	}
	*o = age{text, date}
	return nil
}

func (o *age) String() string { return o.text }
func (o *age) Type() string   { return "age" }

func (a *app) purgeCommand() *cobra.Command {
	s, e := newPlaceSettings(), &erasure{}
	cmd := &cobra.Command{
		Use:   "purge --older-than AGE|--email ADDRESS --why TEXT",
		Short: "Forget personal data older than a date, or of one person",
		Long: `Forget personal data older than a date, or of one person: names, addresses, links and ids in the ledger.

The promise is kept without them. In place of the address stands a keyed digest, by which the ledger knows again who was
invited when a sheet brings the address, and nobody is invited twice. --forget gives the promise up too. Unknown rows are
kept until they are settled, unless they are the person's of --email.

Only the ledger is purged: results files and logs are yours to delete.`,
		Args: cobra.NoArgs,
	}
	whose := group("Whose data", func(f *pflag.FlagSet) {
		f.Var(&e.olderThan, "older-than", "of people last heard of before then: `180d`, 26w, or 2030-12-31")
		f.StringVar(&e.email, "email", "", "of this `address`")
		f.BoolVar(&e.forget, "forget", false, "forget also that they were invited: the next run invites them again")
		f.StringVar(&e.why, "why", "", "the reason, `text` for the audit")
		f.BoolVar(&e.yes, "yes", false, "do not ask")
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a.started = true
		if err := s.configure(without(cmd.Flags(), whose.flags), knownFlags(), a.ui); err != nil {
			return err
		}
		if err := errors.Join(s.validate(), e.validate()); err != nil {
			return usage(err)
		}
		return a.purge(cmd, s, e)
	}
	addGroups(cmd, whose, s.placeFlags())
	return cmd
}

func (e *erasure) validate() (err error) {
	if e.email != "" {
		if e.email, err = invite.NormalizeEmail(e.email); err != nil {
			return fmt.Errorf("--email: %w", err)
		}
	}
	switch {
	case e.email == "" && e.olderThan.text == "":
		return errors.New("say whose data: --older-than or --email")
	case strings.TrimSpace(e.why) == "":
		return errors.New("say why: --why TEXT")
	}
	return nil
}

func (a *app) purge(cmd *cobra.Command, s *settings, e *erasure) (err error) {
	ctx, _, release := a.watchSignals(cmd.Context())
	defer release()
	p, err := s.place()
	if err != nil {
		return err
	}
	if err := a.askPurge(ctx, p, e); err != nil {
		return stoppedEarly(ctx, err)
	}
	led, err := sqlite.Open(ctx, p.path, p.account, p.options(sqlite.Write, "purge", s.wait))
	if errors.Is(err, ledger.ErrNoLedger) || errors.Is(err, ledger.ErrNoAccount) {
		return usage(err, "batchinvite status"+p.flags())
	} else if err != nil {
		return stoppedEarly(ctx, err)
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	done, err := led.Purge(ctx, e.purge())
	if err != nil && done == (ledger.Purged{}) {
		return err
	}
	fmt.Fprintf(a.out, "made anonymous: %d\ndeleted: %d\n", done.Tombstones, done.Deleted)
	if done.Kept > 0 {
		fmt.Fprintf(a.out, "kept: %d that nobody has settled yet\n", done.Kept)
		a.sayf("hint: batchinvite status%s lists them\n", p.flags())
	}
	fmt.Fprintln(a.out, "results files and logs are as they were")
	return err
}

func (e *erasure) purge() ledger.Purge {
	return ledger.Purge{Before: e.olderThan.before, Email: e.email, Forget: e.forget, Who: who(), Why: strings.TrimSpace(e.why)}
}

// askPurge says how many records it is about, and asks. The ledger is not held while the question stands. Where there is
// nothing to lose there is nothing to ask, and the ledger's files are rewritten all the same.
func (a *app) askPurge(ctx context.Context, p *place, e *erasure) (err error) {
	if e.yes {
		return nil
	}
	led, err := p.read(ctx)
	if err != nil {
		return err
	}
	if led == nil {
		return usage(fmt.Errorf("ledger %q has nothing of account %s", p.path, p.account), "batchinvite status"+p.flags())
	}
	will, err := foresee(ctx, led, e.purge())
	if err = errors.Join(err, led.Close()); err != nil || will.Tombstones+will.Deleted == 0 {
		return err
	}
	what := "the personal data of " + count(will.Tombstones+will.Deleted, "record")
	if e.forget {
		what += ", and that they were invited"
	}
	detail := fmt.Sprintf("%d made anonymous, %d deleted, %d kept", will.Tombstones, will.Deleted, will.Kept)
	if !a.canAsk() {
		return usage(fmt.Errorf("%s would be forgotten (%s), and there is no terminal to ask at", what, detail), "if that is wanted: --yes")
	}
	answer, err := a.ask(ctx, fmt.Sprintf("Forget %s (%s)? [y/N] ", what, detail))
	switch {
	case err != nil:
		return err
	case !isYes(answer):
		return usage(errors.New("nothing was forgotten: the answer was no"))
	}
	return nil
}

// foresee counts what would become of the records as they are now.
func foresee(ctx context.Context, led ledger.Ledger, p ledger.Purge) (will ledger.Purged, err error) {
	err = led.Records(ctx, ledger.Filter{Email: p.Email}, func(rec invite.Record) error {
		old := p.Before.IsZero() || rec.ClaimedAt.Before(p.Before) && rec.Outcome.At.Before(p.Before)
		switch state := rec.Outcome.State; {
		case !old, rec.Purged && !p.Forget:
		case state == invite.Claimed, state == invite.Unknown && p.Email == "" && !p.Forget:
			will.Kept++
		case p.Forget, state == invite.Rejected, state == invite.NotSent:
			will.Deleted++
		default:
			will.Tombstones++
		}
		return context.Cause(ctx)
	})
	return will, err
}
