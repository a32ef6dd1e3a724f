package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a bare container or Windows has no zones of its own

	"github.com/spf13/pflag"

	"batchinvite/pkg/api"
	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/sheet"
)

// settings are run's flags, in their final values.
type settings struct {
	output, rejects                       string
	assessmentID, format, expires         string
	timezone, vendorTimezone              string
	campaign                              string
	rates                                 rateList
	limit, maxSend                        number
	yes, sandbox                          bool
	columns                               columnMap
	encoding                              encodingName
	delimiter                             delimiter
	sheet                                 string
	override                              fieldList
	noHeader                              bool
	dateOrder                             choice
	workers                               int
	timeout, wait, giveUpAfter, stopAfter time.Duration
	account, ledger                       string
	allowNetwork                          bool
	retryRejected, emailLinked, reinvite  bool
	maxInvalid, maxFailures               threshold
	maxUnknown                            int
	baseURL, apiKeyFile, apiKeyHeader     string
	logFormat, logLevel, progress         choice
	quiet                                 bool
	config                                string // the file in use, "" for none
	forImport                             bool   // the input is one of people who were invited before

	dates invite.Zones    // what the time zones come to; set by validate
	typed map[string]bool // the flags that stood on the command line, and not merely in a file
}

const defaultBaseURL = "https://app.xobin.com/api/v2"

// flagGroup is a heading of run's help and the flags under it.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// oneOff marks a flag that is for the command line only: in a file it would be forgotten there.
const oneOff = "one-off"

func group(title string, define func(f *pflag.FlagSet)) flagGroup {
	f := pflag.NewFlagSet(title, pflag.ContinueOnError)
	f.SortFlags = false
	define(f)
	return flagGroup{title, f}
}

// pick gives some of run's flags to another command.
func pick(title string, s *settings, names ...string) flagGroup {
	return group(title, func(f *pflag.FlagSet) {
		for _, g := range s.runFlags() {
			g.flags.VisitAll(func(flag *pflag.Flag) {
				if slices.Contains(names, flag.Name) {
					f.AddFlag(flag)
				}
			})
		}
	})
}

// without leaves the settings file out of the flags that choose what a command works on: names such as campaign and
// format mean something else there.
func without(flags, choosing *pflag.FlagSet) *pflag.FlagSet {
	rest := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.VisitAll(func(f *pflag.Flag) {
		if choosing.Lookup(f.Name) == nil {
			rest.AddFlag(f)
		}
	})
	return rest
}

func markOneOff(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f.Lookup(name).Annotations = map[string][]string{oneOff: nil}
	}
}

// runFlags defines the flags of run and check, the ones that people need first at the top.
func (s *settings) runFlags() []flagGroup {
	return []flagGroup{
		group("The ten to know", s.firstFlags),
		group("Which rows", s.rowFlags),
		group("Guards", s.guardFlags),
		group("How calls are made", s.callFlags),
		s.placeFlags(),
		s.talkFlags(),
	}
}

func (s *settings) firstFlags(f *pflag.FlagSet) {
	f.StringVarP(&s.output, "output", "o", "", "results `file` (.csv or .xlsx; - is stdout; a folder for several inputs); default NAME.results.csv beside the input, of a workbook .xlsx")
	f.StringVar(&s.assessmentID, "assessment-id", "", "assessment `id` for rows without one")
	f.StringVar(&s.format, "format", "", "`getlink` (only make a link) or sendlink (the vendor e-mails the candidate) for rows without one")
	f.StringVar(&s.expires, "expires", "", "expiry `date` for rows without one: YYYY-MM-DD HH:MM, YYYY-MM-DD (23:59), 7d, or another form that can mean one date only")
	f.StringVar(&s.campaign, "campaign", "default", "`name` under which a person counts once; another campaign invites people again")
	s.rates = rateList{values: []pace.Rate{{Calls: 2, Per: time.Second}}}
	f.Var(&s.rates, "rate", "calls per time: 2/s, 60/m, 50/5s, 5000/d; give it again for several that hold at once")
	f.Var(&s.limit, "limit", "a pilot: only the first `N` rows that would be sent")
	f.BoolVar(&s.yes, "yes", false, "do not ask; needed for sendlink without a terminal")
	f.BoolVar(&s.sandbox, "sandbox", false, "rehearse against a stand-in inside this process; nothing leaves the machine")
	f.Var(&s.columns, "map", "which column holds which field, such as `name=\"Full Name\"` or, where no column is called 1, name=1; repeatable; fields: name, first_name, last_name, second_last_name, email, assessment_id, format, expires")
	markOneOff(f, "limit", "yes", "sandbox")
}

func (s *settings) rowFlags(f *pflag.FlagSet) {
	f.StringVar(&s.rejects, "rejects", "", "`file` for the rows that are invalid, rejected or not sent, as they are in the input and with the reason: to be mended and run again; a folder for several inputs")
	f.StringVar(&s.sheet, "sheet", "", "worksheet of an XLSX, `name` or number; default the first with rows")
	f.Var(&s.override, "override", "let a typed flag win over the rows' own values: `assessment-id,format,expires`")
	f.Var(&s.encoding, "encoding", "of text files, such as utf-8, windows-1252, utf-16le, shift_jis; default: found out")
	f.Var(&s.delimiter, "delimiter", "of text files: `comma`, semicolon, tab, pipe or one character; default: found out")
	f.BoolVar(&s.noHeader, "no-header", false, "the first row is a person: columns are called 1, 2, 3 in --map")
	s.dateOrder = choice{of: []string{string(invite.DayFirst), string(invite.MonthFirst)}}
	f.Var(&s.dateOrder, "date-order", "dmy or mdy: what comes first in dates such as 3/4/2031; default: what the whole column tells")
	f.StringVar(&s.timezone, "timezone", "", "`zone` of the sheet's dates, such as Europe/Berlin; default: sent as written, checked as UTC")
	f.StringVar(&s.vendorTimezone, "vendor-timezone", "UTC", "`zone` in which the vendor reads dates, used with --timezone")
	f.BoolVar(&s.retryRejected, "retry-rejected", false, "call again for rejected rows that have not changed")
	f.BoolVar(&s.emailLinked, "email-linked", false, "e-mail people who have a link and were never e-mailed")
	f.BoolVar(&s.reinvite, "reinvite-revoked", false, "invite people again whose invitation was revoked")
	markOneOff(f, "override", "retry-rejected", "email-linked", "reinvite-revoked")
}

func (s *settings) guardFlags(f *pflag.FlagSet) {
	f.Var(&s.maxSend, "max-send", "send nothing if more than `N` people would be invited")
	f.Var(&s.maxInvalid, "max-invalid", "send nothing if more than `N|N%` of the rows are invalid")
	s.maxFailures = threshold{n: 20, percent: true, set: true}
	f.Var(&s.maxFailures, "max-failures", "stop when more than `N|N%` of the rows called were rejected, unknown or given up; a percentage counts after 50 rows")
	f.IntVar(&s.maxUnknown, "max-unknown", 10, "sendlink: stop when more than `N` people became unknown")
	f.DurationVar(&s.giveUpAfter, "give-up-after", 15*time.Minute, "longest wait of any kind")
	f.DurationVar(&s.stopAfter, "stop-after", 0, "finish what is in flight and stop after this `duration`")
}

func (s *settings) callFlags(f *pflag.FlagSet) {
	f.IntVar(&s.workers, "workers", 32, "calls in flight at most")
	f.DurationVar(&s.timeout, "timeout", 130*time.Second, "longest time for one call")
	f.StringVar(&s.apiKeyFile, "api-key-file", "", "`file` that holds the API key; else $CREDENTIALS_DIRECTORY/api_key, $BATCHINVITE_API_KEY, or a prompt")
	f.StringVar(&s.apiKeyHeader, "api-key-header", "apiKey", "`name` of the request header that carries the key")
}

// placeFlags say which account and ledger are meant; every command that opens a ledger has them.
func (s *settings) placeFlags() flagGroup {
	return group("Account and ledger", func(f *pflag.FlagSet) {
		f.StringVar(&s.baseURL, "base-url", defaultBaseURL, "the vendor's API; its host names the account")
		f.StringVar(&s.account, "account", "default", "`name` to keep accounts at one host apart")
		f.StringVar(&s.ledger, "ledger", "", "ledger `file`; default $XDG_STATE_HOME/batchinvite/ledger.db")
		f.BoolVar(&s.allowNetwork, "allow-network-ledger", false, "let the ledger be on a network file system; only if no other machine ever uses it")
		f.DurationVar(&s.wait, "wait", 0, "wait so long for another run to let the ledger go")
		f.StringVar(&s.config, "config", "", "settings `file`; default $XDG_CONFIG_HOME/batchinvite/config.yaml, /etc/batchinvite/config.yaml")
		markOneOff(f, "config")
	})
}

func (s *settings) talkFlags() flagGroup {
	return group("What is said", func(f *pflag.FlagSet) {
		s.logFormat = choice{value: "auto", of: []string{"auto", "console", "json"}}
		s.logLevel = choice{value: "info", of: []string{"debug", "info", "warn", "error"}}
		s.progress = choice{value: "auto", of: []string{"auto", "bar", "lines", "none"}}
		f.Var(&s.logFormat, "log-format", "auto (console at a terminal, JSON elsewhere), console or json")
		f.Var(&s.logLevel, "log-level", "debug, info, warn or error")
		f.Var(&s.progress, "progress", "auto (a bar at a terminal, a line per 10 % or 5 min elsewhere), bar, lines or none")
		f.BoolVar(&s.quiet, "quiet", false, "say nothing but errors, why a run stopped, and that rows are unknown")
	})
}

// validate refuses what no single flag can: values that are wrong together or beyond their bounds.
func (s *settings) validate() error {
	s.campaign = strings.ToLower(strings.TrimSpace(s.campaign))
	var errs []error
	check := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(s.campaign == "", "--campaign: a campaign needs a name")
	check(strings.ContainsAny(s.campaign, "\n\r\t"), "--campaign: a name is one line")
	check(s.account == "" || strings.ContainsAny(s.account, "/ \n\t"), "--account: a name has no spaces or slashes")
	check(s.workers < 1 || s.workers > 1024, "--workers: %d is not between 1 and 1024", s.workers)
	check(s.limit.set && s.limit.n == 0, "--limit: 0 rows are no pilot; to send nothing use batchinvite check")
	check(s.typed["vendor-timezone"] && s.timezone == "", "--vendor-timezone: needs --timezone, without it dates are sent as written")
	check(s.timeout < time.Second, "--timeout: %s is under a second", s.timeout)
	check(s.maxUnknown < 0, "--max-unknown: %d is no number of people", s.maxUnknown)
	check(s.giveUpAfter <= 0, "--give-up-after: %s is no time to wait", s.giveUpAfter)
	check(s.wait < 0 || s.stopAfter < 0, "--wait and --stop-after can't be negative")
	check(s.sandbox && s.typed["base-url"], "--sandbox and --base-url: a rehearsal calls nobody else")
	check(strings.Contains(s.ledger, "://"), "--ledger: %q is not a file; this version keeps its ledger in a file", s.ledger)
	var err error
	if s.dates, err = s.zones(); err != nil {
		errs = append(errs, err)
	}
	for _, f := range s.override {
		check(!s.typed[f], "--override %s: there is no --%s to win over the rows", f, f)
	}
	if len(errs) == 0 { // else one of them is the cause of what would be found here
		errs = append(errs, s.sheetOptions(0).Check(), s.apiOptions().Check())
	}
	if err := errors.Join(errs...); err != nil {
		return usage(err)
	}
	return nil
}

// apiOptions say where and how calls are made. The key comes later.
func (s *settings) apiOptions() api.Options {
	return api.Options{BaseURL: s.baseURL, KeyHeader: s.apiKeyHeader, Timeout: s.timeout, Workers: s.workers, UserAgent: "batchinvite/" + version()}
}

// sheetOptions say how the input in the given place is to be read.
func (s *settings) sheetOptions(file int) sheet.Options {
	given := func(flag, value string) sheet.Default {
		return sheet.Default{Value: strings.TrimSpace(value), Typed: s.typed[flag], Override: slices.Contains(s.override, flag)}
	}
	return sheet.Options{
		Campaign: s.campaign,
		File:     file,
		Zones:    s.dates,
		Import:   s.forImport,
		Map:      s.columns,
		Encoding: string(s.encoding), Delimiter: rune(s.delimiter),
		Sheet:    strings.TrimSpace(s.sheet),
		NoHeader: s.noHeader, DateOrder: invite.DateOrder(s.dateOrder.value),
		Defaults: map[sheet.Field]sheet.Default{
			sheet.AssessmentID: given("assessment-id", s.assessmentID),
			sheet.Format:       given("format", s.format),
			sheet.Expires:      given("expires", s.expires),
		},
	}
}

func (s *settings) zones() (invite.Zones, error) {
	if s.timezone == "" {
		return invite.AsWritten, nil
	}
	from, err := time.LoadLocation(s.timezone)
	if err != nil {
		return invite.Zones{}, fmt.Errorf("--timezone: %q is not a time zone, use a name such as Europe/Berlin", s.timezone)
	}
	to, err := time.LoadLocation(s.vendorTimezone)
	if err != nil {
		return invite.Zones{}, fmt.Errorf("--vendor-timezone: %q is not a time zone, use a name such as Europe/Berlin", s.vendorTimezone)
	}
	return invite.Zones{Sheet: from, Vendor: to}, nil
}

// checkAhead refuses a date for all rows that nobody can be invited with any more.
func (s *settings) checkAhead() error {
	text := strings.TrimSpace(s.expires)
	order, _ := invite.OrderOf(text)
	e, err := cmp.Or(invite.DateOrder(s.dateOrder.value), order).ParseExpiry(text, "", s.dates)
	if err != nil {
		return usagef("--expires: %w", err)
	}
	if _, err := e.Due(time.Now()); err != nil {
		return usagef("--expires: %q %w", text, err)
	}
	return nil
}

// sandboxHost stands for the stand-in inside the process, whose port is another one each time.
const sandboxHost = "sandbox.invalid"

// accountName is the base URL's host and the account's name, so that a new API key forgets nothing.
func (s *settings) accountName() (string, error) {
	if s.sandbox {
		return sandboxHost + "/" + s.account, nil
	}
	u, err := url.Parse(s.baseURL)
	if err != nil {
		return "", usagef("--base-url: %w", err)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if port := u.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host = net.JoinHostPort(host, port)
	}
	return host + "/" + s.account, nil
}
