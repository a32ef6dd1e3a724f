package main

import (
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"batchinvite/pkg/invite"
)

// logger writes to stderr, beside the plan and the summary, in the words of the ledger; e-mail addresses are masked.
func (a *app) logger(s *settings) zerolog.Logger {
	var w io.Writer = a.ui
	if s.logFormat.value == "console" || (s.logFormat.value == "auto" && a.terminal) {
		w = zerolog.ConsoleWriter{Out: a.ui, NoColor: !a.terminal, TimeFormat: time.TimeOnly}
	}
	level, err := zerolog.ParseLevel(s.logLevel.value)
	if err != nil {
		level = zerolog.InfoLevel // the flag has refused everything else
	}
	if s.quiet {
		level = zerolog.ErrorLevel
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// logCall tells of one attempt. A success is for debugging, and a 429 is told of as the pause that it makes.
func (r *run) logCall(c invite.Candidate, a invite.Answer, took time.Duration) {
	e := r.log.Debug()
	if done := a.Outcome.State == invite.Invited || a.Outcome.State == invite.Revoked; !done && !a.Throttled {
		e = r.log.Warn()
	}
	e.Int("line", c.Origin.Line).Str("email", invite.MaskEmail(c.Email)).Int64("assessment", c.Key.Assessment).
		Str("format", string(c.Format)).Str("class", string(a.Class)).Str("outcome", string(a.Outcome.State)).
		Bool("retry", a.Retry).Stringer("took", took).Str("error", a.Outcome.Error).Msg("call")
}

// logLost tells of an outcome that could not be recorded, with all that somebody needs to settle the row by hand.
func (r *run) logLost(c invite.Candidate, o invite.Outcome, err error) {
	r.log.Error().Int("line", c.Origin.Line).Str("email", invite.MaskEmail(c.Email)).Int64("assessment", c.Key.Assessment).
		Str("format", string(c.Format)).Str("outcome", string(o.State)).Str("link", o.Link).Err(err).Msg("outcome not recorded")
}

// advise adds to an unknown row what a person can do about it.
func (r *run) advise(result *invite.Result) {
	if result.Status != invite.StatusUnknown {
		return
	}
	c := result.Row.Candidate
	if result.Format == invite.GetLink {
		result.Outcome.Error += "; run again to try again (at worst there is a spare link), or settle it: " + resolveCommandFor(c.Key, result.Format, r.place) + " --sent|--not-sent --why \"…\""
		return
	}
	result.Outcome.Error += fmt.Sprintf("; look up %s in assessment %d, then: %s --sent|--not-sent --why \"…\"",
		c.Key.Email, c.Key.Assessment, resolveCommandFor(c.Key, result.Format, r.place))
}
