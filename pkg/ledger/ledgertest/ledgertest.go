// Package ledgertest is what every implementation of ledger.Ledger must pass. It speaks to the interface only, so that
// the promises of package ledger mean the same over every database.
package ledgertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// Store is one store, empty at first, and the little that the suite needs beyond the interface.
type Store struct {
	// Open opens an account for writing as a process of its own would, and makes it where it is missing. The suite closes
	// what it opens. A Close without a Finish is how it lets a process die.
	Open func(t *testing.T, account string) ledger.Ledger
	// Put writes new records past all rules, each with fence 1 and, of its outcome, state and attempts.
	Put func(t *testing.T, account string, records []invite.Record)
	// Usage gives the requests counted for each second of Unix time, without the seconds that have none.
	Usage func(t *testing.T, account string) map[int64]int
	// Audit gives what people decided, in order.
	Audit func(t *testing.T, account string) []Audited
	// Revocations gives the marks of revocations, in any order.
	Revocations func(t *testing.T, account string) []Revocation
}

// Audited is one entry of the audit.
type Audited struct {
	Action     string // resolve, import, revoke, purge or forget
	At         time.Time
	Resolution ledger.Resolution
}

// Revocation is what a store keeps of revoking one record.
type Revocation struct {
	Key    invite.Key
	Format invite.Format
	Run    int64
	Fence  int64
	State  invite.State
	Error  string
}

const account = "vendor.example/default"

// suite is every test of a store, by name.
var suite = []struct {
	name string
	test func(t *testing.T, s Store)
}{
	{"Claim_succeedsExactlyWhereDecideSaysSend", claimAgreesWithDecide},
	{"Claim_oneOfManyWins", oneOfManyWins},
	{"Claim_isLookedUpAsItWasMade", claimIsLookedUp},
	{"Claim_forgetsTheOutcomeBefore", claimForgetsOutcome},
	{"Claim_raisesFenceAndAttempts", claimRaisesFence},
	{"Claim_doneContextChangesNothing", doneContextKeepsClaimOut},
	{"Record_isLookedUpAsItWasGiven", recordIsLookedUp},
	{"Record_staleFenceChangesNothing", staleFenceChangesNothing},
	{"Record_doneContextStillCommits", doneContextStillRecords},
	{"Record_notLeftIsNoRequest", notLeftIsNoRequest},
	{"Record_refusesOtherStates", recordRefusesOtherStates},
	{"Record_movesUsageToTheAnswer", recordMovesUsage},
	{"Record_takesBackARejectionOnce", takesBackRejection},
	{"Start_deadRunsClaimsAreUnknown", deadRunsClaimsAreUnknown},
	{"Start_deadRunsClaimsCountFromNow", deadRunsClaimsCount},
	{"Start_lateAnswerSettlesAnUnknown", lateAnswerSettles},
	{"Finish_leavesNothingClaimed", finishLeavesNothingClaimed},
	{"Resolve_settlesAndWritesTheAudit", resolveSettles},
	{"Resolve_refusesWhatIsNotUnknown", resolveRefuses},
	{"Resolve_lateAnswerIsStale", lateAnswerAfterResolve},
	{"Lookup_keepsTheOrderOfThousands", lookupKeepsOrder},
	{"Lookup_namesOtherCampaigns", lookupNamesCampaigns},
	{"Open_listsInOrderOfClaims", openListsInOrder},
	{"Facts_countEveryRecord", factsCount},
	{"Usage_givesSecondsInOrder", usageInOrder},
	{"Used_knowsItsAssessments", usedKnowsAssessments},
	{"Written_givesTheLastHash", writtenGivesLastHash},
	{"Records_yieldsWhatFitsInOrder", recordsInOrder},
	{"Records_deadRunsClaimsAreUnknown", recordsOfTheDead},
	{"Records_endsWithTheErrorOfYield", yieldEndsRecords},
	{"Runs_latestFirst", runsLatestFirst},
	{"Runs_onlyTheLivingAreAlive", runsAlive},
	{"Import_writesWhatIsNew", importWrites},
	{"Import_neverWeakensWhatIsKnown", importJudges},
	{"Import_isOneTransactionAndRefusesOtherStates", importRefuses},
	{"Import_overtakesAClaim", importOvertakes},
	{"Import_keepsPeopleFromBeingInvited", importKeepsPromise},
	{"Purge_leavesTombstonesThatKeepThePromise", purgeKeepsPromise},
	{"Purge_claimAgreesWithDecideOnTombstones", purgedClaimAgrees},
	{"Purge_countsAndKeepsByStateAndTime", purgeByTime},
	{"Purge_byAddressSparesNothingOfThePerson", purgeByEmail},
	{"Purge_unknownTombstoneIsResolvedByAddress", purgedIsResolved},
	{"Purge_tombstoneTakesNothingFromAnImport", purgedIsImported},
	{"Purge_forgetDeletesThePromiseToo", purgeForgets},
	{"Purge_auditNamesNobodyWhoIsGone", purgeClearsAudit},
	{"Purge_deletesOldUsage", purgeDeletesUsage},
	{"Purge_refusesEverybody", purgeRefusesEverybody},
	{"Revoke_isRecordedAndAudited", revokeIsRecorded},
	{"Revoke_otherOutcomesLeaveItInvited", revokeLeavesInvited},
	{"Revoke_refusesWhatIsNotInvited", revokeRefuses},
	{"Revoke_oneOfManyWins", revokeOnce},
	{"Revoke_crashLeavesItInvitedAndRevocable", revokeAfterCrash},
	{"Revoke_staleClaimChangesNothing", staleRevoke},
	{"Revoke_countsUsageLikeClaim", revokeCountsUsage},
	{"Accounts_areApart", accountsAreApart},
	{"Workers_loseNothing", workersLoseNothing},
}

// Run runs the suite. newStore is called once for each test.
func Run(t *testing.T, newStore func(t *testing.T) Store) {
	for _, tt := range suite {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, newStore(t)) })
	}
}

// process is one open ledger with one run.
type process struct {
	t *testing.T
	ledger.Ledger
	run    int64
	closed bool
}

// start opens the account and starts a run. What the test does not close is closed at its end.
func (s Store) start(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, Ledger: s.Open(t, account)}
	t.Cleanup(p.die)
	run, err := p.Start(t.Context(), ledger.Run{Who: "ann", Campaign: "spring", Files: []ledger.File{{Name: "a.csv", Hash: "00"}}})
	if err != nil {
		t.Fatalf("Start = %v", err)
	}
	p.run = run
	return p
}

// die lets the process go without a word about its run.
func (p *process) die() {
	p.t.Helper()
	if p.closed {
		return
	}
	p.closed = true
	if err := p.Close(); err != nil {
		p.t.Errorf("Close = %v", err)
	}
}

// claimedDate is the date that process.claim says it sends.
const claimedDate = "2031-12-31 18:30"

func (p *process) claim(c invite.Candidate, policy invite.Policy) invite.Claim {
	p.t.Helper()
	claim, err := p.Claim(p.t.Context(), p.run, c, claimedDate, policy)
	if err != nil {
		p.t.Fatalf("Claim of %s %s = %v", c.Format, c.Key.Email, err)
	}
	return claim
}

func (p *process) record(c invite.Claim, o invite.Outcome) int {
	p.t.Helper()
	attempts, err := p.Record(p.t.Context(), c, o)
	if err != nil {
		p.t.Fatalf("Record of %s for %s = %v", o.State, c.Key.Email, err)
	}
	return attempts
}

func (p *process) history(k invite.Key) invite.History {
	p.t.Helper()
	return p.histories([]invite.Key{k})[0]
}

func (p *process) histories(keys []invite.Key) []invite.History {
	p.t.Helper()
	h, err := p.Lookup(p.t.Context(), keys)
	if err != nil {
		p.t.Fatalf("Lookup of %d keys = %v", len(keys), err)
	}
	if len(h) != len(keys) {
		p.t.Fatalf("Lookup of %d keys gave %d histories", len(keys), len(h))
	}
	return h
}

// state gives the state of a candidate's key and format, "" if there is no record.
func (p *process) state(c invite.Candidate) invite.State {
	p.t.Helper()
	if r := p.history(c.Key).Of(c.Format); r != nil {
		return r.Outcome.State
	}
	return ""
}

// person gives the candidate number i.
func person(i int, f invite.Format) invite.Candidate {
	email := fmt.Sprintf("p%d@example.org", i)
	return invite.Candidate{
		Key:    invite.Key{Campaign: "spring", Assessment: 4711, Email: email},
		Name:   fmt.Sprintf("Zoë %d", i),
		Email:  email,
		Format: f,
		Origin: invite.Origin{File: 1, Line: i + 2},
	}
}

var answered = time.Date(2026, 3, 1, 12, 30, 0, 250_000_000, time.UTC)

// standing is the record of a candidate as put to a store.
func standing(c invite.Candidate, run int64, s invite.State) invite.Record {
	return invite.Record{Key: c.Key, Format: c.Format, Name: c.Name, Email: c.Email, Fingerprint: c.Fingerprint(),
		Outcome: invite.Outcome{State: s, Attempts: 1}, Origin: c.Origin, Run: run, ClaimedAt: answered}
}

func outcome(s invite.State) invite.Outcome { return invite.Outcome{State: s, At: answered} }

// each calls f for 0 to n-1 from 64 goroutines.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int) // this function sends and closes, the goroutines receive
	for range 64 {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func done(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
