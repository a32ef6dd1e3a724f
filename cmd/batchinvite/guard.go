package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"batchinvite/pkg/invite"
)

// typeTheNumber: above so many e-mails a "y" is too easily typed.
const typeTheNumber = 50

func (r *run) sayPlan() {
	if !r.quiet {
		r.sayf("%s", r.planned.text(r.settings, r.batch, r.place.path, r.place.account))
	}
}

// guardPlan refuses plans that are wrong, whoever looks on.
func (s *settings) guardPlan(p *planned, b batch, at *place) error {
	switch {
	case p.Foreign > 0 && !s.sandbox: // a rehearsal's ledger knows nobody
		name := b[p.ForeignFirst.Origin.File].name
		hint := "batchinvite import " + quoted(name) + s.rowFlagsGiven() + at.flags()
		switch p.ForeignFirst.Earlier.Status { // of which import takes nothing
		case invite.StatusRevoked:
			hint = "take such rows out, or invite them anew: --reinvite-revoked"
		case invite.StatusDuplicate:
			hint = "import the results with the row that it is a duplicate of, or take it out"
		}
		return usage(fmt.Errorf("%s: line %d: the file says that this row was %s before, and this ledger has never heard of it (%s like it)",
			name, p.ForeignFirst.Origin.Line, p.ForeignFirst.Earlier.Status, count(p.Foreign, "row")),
			hint, "or name the ledger that it was invited with: --ledger FILE")
	case s.maxSend.set && p.calls(s.limit) > s.maxSend.n:
		return usage(fmt.Errorf("%s to send are more than --max-send %d", count(p.calls(s.limit), "person"), s.maxSend.n),
			"if that is right: --max-send "+strconv.Itoa(p.calls(s.limit)))
	case s.maxInvalid.exceeded(p.Invalid, p.Rows):
		return usage(fmt.Errorf("%d of %s are invalid, more than --max-invalid %s", p.Invalid, count(p.Rows, "row"), &s.maxInvalid),
			"batchinvite check "+quoted(b.names()...))
	}
	return cmp.Or(b.contradiction(), b.fit())
}

// rowFlagsGiven are what import must be given to find the same people in a file. In another campaign they would be invited
// again.
func (s *settings) rowFlagsGiven() string {
	text := s.keyFlags()
	if s.encoding != "" {
		text += " --encoding " + s.encoding.String()
	}
	if s.delimiter != 0 {
		text += " --delimiter " + quoted(s.delimiter.String())
	}
	if s.sheet != "" {
		text += " --sheet " + quoted(s.sheet)
	}
	return text
}

// keyFlags are those of them that results need too, which tell by themselves how they are written.
func (s *settings) keyFlags() (text string) {
	if s.campaign != "default" {
		text += " --campaign " + quoted(s.campaign)
	}
	for _, assigned := range s.columns.list() {
		text += " --map " + quoted(assigned)
	}
	return text
}

// consent makes sure that somebody wants what the plan says, where it can't be taken back: an e-mail to a person. The
// ledger is not held while a question stands.
func (r *run) consent(ctx context.Context) error {
	if r.planned.Emails == 0 {
		return nil
	}
	questions := r.questions()
	if len(questions) == 0 {
		return nil
	}
	if r.led != nil {
		err := r.led.Close()
		if r.led = nil; err != nil {
			return err
		}
	}
	for _, ask := range questions {
		if err := ask(ctx); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// questions are what has to be asked. Where nobody is there to answer they refuse.
func (r *run) questions() (ask []func(context.Context) error) {
	if r.planned.fresh && !r.sandbox {
		ask = append(ask, r.askFresh)
	}
	if !r.yes {
		ask = append(ask, r.askSend)
	}
	return ask
}

func (r *run) askFresh(ctx context.Context) error {
	missing := fmt.Errorf("ledger %q knows nobody of account %s: whoever was invited before would be e-mailed again", r.place.path, r.place.account)
	if !r.canAsk() {
		return usage(missing, "batchinvite init"+r.place.flags())
	}
	answer, err := r.ask(ctx, fmt.Sprintf("%s.\nBegin a new one? [y/N] ", missing))
	if err != nil || !isYes(answer) {
		return usage(cmp.Or(err, errors.New("not begun: no new ledger is wanted")))
	}
	return nil
}

func (r *run) askSend(ctx context.Context) error {
	n := r.planned.Emails
	if r.limit.set {
		n = min(n, r.limit.n)
	}
	if !r.canAsk() {
		return usage(fmt.Errorf("%s would be e-mailed, and there is no terminal to ask at", count(n, "person")), "if that is wanted: --yes")
	}
	question, want := fmt.Sprintf("The vendor will e-mail %s. Go on? [y/N] ", count(n, "person")), isYes
	if n > typeTheNumber {
		question = fmt.Sprintf("The vendor will e-mail %s. Type the number to go on: ", count(n, "person"))
		want = func(answer string) bool { return answer == strconv.Itoa(n) }
	}
	answer, err := r.ask(ctx, question)
	if err != nil || !want(answer) {
		return usage(cmp.Or(err, errors.New("not sent: the answer was no")))
	}
	return nil
}

func isYes(answer string) bool {
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}
