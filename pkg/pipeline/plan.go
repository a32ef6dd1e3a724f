package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"batchinvite/pkg/invite"
)

// Plan is what a run is about to do, as far as the file and the ledger tell.
type Plan struct {
	Rows       int
	Invalid    int // dates that have passed among them
	Duplicates int
	Warnings   int // of rows that are valid and no duplicates

	Invited  int // before; of these
	Expired  int // the link's date has passed
	Linked   int // have a link and were never e-mailed
	Unknown  int
	Rejected int // unchanged since
	Revoked  int
	InFlight int // claimed by a run that is alive

	Send      int
	Emails    int            // of those: the vendor will e-mail them
	Elsewhere map[string]int // of those: people who are invited in another campaign, by campaign
	Groups    []Group        // of those, the largest first
	Ungrouped int            // rows of groups beyond the first thousand

	// Foreign rows come from a results file that calls them invited, unknown or revoked, and the ledger has never heard of
	// them. Duplicates may be among them.
	Foreign      int
	ForeignFirst invite.Row

	Repeats *Repeats
}

// Group counts the rows to send of one assessment, format and expiry.
type Group struct {
	Assessment int64
	Format     invite.Format
	Expires    string // as it was understood, "" for none
	Sent       string // as the vendor gets it in its zone, "" if that is the same
	Rows       int
}

const maxGroups = 1000

// Planner is the first pass over the rows.
type Planner struct {
	Lookup func(context.Context, []invite.Key) ([]invite.History, error)
	Policy invite.Policy
	Size   int // about how many rows there are, for making room once
	Now    time.Time
	// Invalid hears of every row that can't be sent, in order.
	Invalid func(invite.Row, invite.Problem)
	// Warn, if there is one, hears of every warning about a valid row that is no duplicate, in the rows' order.
	Warn func(invite.Row, invite.Problem)

	plan   Plan
	groups map[Group]int
}

// planned is a row of which the ledger is asked, as a duplicate only for whether it knows the person.
type planned struct {
	invite.Row
	again bool
}

// Plan reads all rows and asks the ledger about each person once, save for duplicates that tell of an invitation.
func (p *Planner) Plan(ctx context.Context, rows Rows) (Plan, error) {
	p.plan = Plan{Repeats: NewRepeats(p.Size), Elsewhere: map[string]int{}}
	p.groups = make(map[Group]int)
	batch, weight := make([]planned, 0, chunk), int64(0)
	for row, err := range rows {
		if err != nil {
			return Plan{}, err
		}
		p.plan.Rows++
		again := row.Problem == nil && p.plan.Repeats.Seen(row.Candidate.Key)
		if again {
			if p.plan.Duplicates++; !p.saysInvited(row) {
				continue
			}
		}
		if batch, weight = append(batch, planned{row, again}), weight+weigh(row); len(batch) == chunk || weight > chunkBytes {
			if err := p.judge(ctx, batch); err != nil {
				return Plan{}, err
			}
			batch, weight = batch[:0], 0
		}
	}
	if err := p.judge(ctx, batch); err != nil {
		return Plan{}, err
	}
	p.plan.Repeats.Freeze()
	p.plan.Groups = sortGroups(p.groups)
	return p.plan, nil
}

func (p *Planner) invalid(row invite.Row, problem invite.Problem) {
	p.plan.Invalid++
	p.Invalid(row, problem)
}

func (p *Planner) warn(row invite.Row) {
	p.plan.Warnings += len(row.Warnings)
	for _, w := range row.Warnings {
		if p.Warn != nil {
			p.Warn(row, w)
		}
	}
}

func (p *Planner) judge(ctx context.Context, batch []planned) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	keys := make([]invite.Key, 0, len(batch))
	for _, row := range batch {
		if row.Problem == nil {
			keys = append(keys, row.Candidate.Key)
		}
	}
	histories, err := p.Lookup(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up %d people in the ledger: %w", len(keys), err)
	}
	for _, row := range batch {
		if row.Problem != nil {
			p.invalid(row.Row, *row.Problem)
			continue
		}
		p.foreign(row.Row, histories[0])
		if !row.again {
			p.warn(row.Row)
			p.count(row.Row, histories[0])
		}
		histories = histories[1:]
	}
	return nil
}

func (p *Planner) count(row invite.Row, h invite.History) {
	c := row.Candidate
	verdict, rec := h.Decide(c, p.Policy)
	switch verdict {
	case invite.VerdictInvited:
		p.plan.Invited++
		if linkExpired(rec, c, p.Now) {
			p.plan.Expired++
		}
	case invite.VerdictLinked:
		p.plan.Linked++
	case invite.VerdictUnknown:
		p.plan.Unknown++
	case invite.VerdictRejected:
		p.plan.Rejected++
	case invite.VerdictRevoked:
		p.plan.Revoked++
	case invite.VerdictInFlight:
		p.plan.InFlight++
	default:
		p.send(row, h)
	}
}

func (p *Planner) send(row invite.Row, h invite.History) {
	c := row.Candidate
	due, err := c.Expiry.Due(p.Now)
	if err != nil {
		if own := h.Of(c.Format); own != nil && own.Outcome.State == invite.Unknown {
			p.plan.Unknown++
			return
		}
		p.invalid(row, expiredProblem(c, err))
		return
	}
	p.plan.Send++
	if c.Format == invite.SendLink {
		p.plan.Emails++
	}
	for _, campaign := range h.Elsewhere {
		p.plan.Elsewhere[campaign]++
	}
	g := Group{Assessment: c.Key.Assessment, Format: c.Format, Expires: cmp.Or(c.Expiry.Understood(), c.Expiry.Text)}
	if understood := c.Expiry.Understood(); understood != "" && due != understood {
		g.Sent = due
	}
	if _, known := p.groups[g]; !known && len(p.groups) >= maxGroups {
		p.plan.Ungrouped++
		return
	}
	p.groups[g]++
}

// foreign counts rows from a results file of another ledger, or of a ledger that was lost.
func (p *Planner) foreign(row invite.Row, h invite.History) {
	if !p.saysInvited(row) || len(h.Records) > 0 || len(h.Elsewhere) > 0 {
		return
	}
	if p.plan.Foreign++; p.plan.Foreign == 1 {
		p.plan.ForeignFirst = row
	}
}

// saysInvited tells whether a row says that nobody may invite its person without knowing more.
func (p *Planner) saysInvited(row invite.Row) bool {
	return SaysInvited(row) || row.Earlier != nil && row.Earlier.Status == invite.StatusRevoked && !row.Earlier.Rehearsed() && !p.Policy.ReinviteRevoked
}

// SaysInvited tells whether a row says that its person was invited, or may have been. A rehearsal invited nobody.
func SaysInvited(row invite.Row) bool {
	if row.Earlier == nil || row.Earlier.Rehearsed() {
		return false
	}
	switch row.Earlier.Status {
	case invite.StatusInvited, invite.StatusAlreadyInvited, invite.StatusUnknown:
		return true
	case invite.StatusDuplicate:
		return row.Earlier.Link != ""
	}
	return false
}

func sortGroups(counts map[Group]int) []Group {
	var all []Group
	for g, n := range counts {
		g.Rows = n
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Assessment, b.Assessment),
			cmp.Compare(a.Format, b.Format), cmp.Compare(a.Expires, b.Expires))
	})
	return all
}
