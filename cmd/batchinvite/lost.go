package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/results"
	"batchinvite/pkg/sheet"
)

// A lost ledger knows nobody, and neither does a new one: then the results that an earlier run left where those of this one
// would go are the only trace of whom the vendor has e-mailed.

// guardLost refuses to e-mail people from a ledger that knows nobody, where results tell of invitations.
func (r *run) guardLost(ctx context.Context) error {
	known := 0
	for _, n := range r.planned.facts.States {
		known += n
	}
	if r.sandbox || known > 0 || r.planned.Emails == 0 {
		return nil
	}
	for _, in := range r.batch {
		for _, path := range []string{in.output, results.Partial(in.output)} {
			n, err := invitedIn(ctx, path)
			if err != nil {
				return err
			}
			if n > 0 {
				return usage(fmt.Errorf("%s says of %s that they were invited before, and ledger %q knows nobody", path, count(n, "row"), r.place.path),
					"batchinvite import "+quoted(path)+r.rowFlagsGiven()+r.place.flags(), "or if these people may be invited again, move it away")
			}
		}
	}
	return nil
}

// invitedIn counts the rows of a results file whose people were invited or may have been. What is no results file has none.
func invitedIn(ctx context.Context, path string) (n int, err error) {
	if path == stdStream {
		return 0, nil
	}
	f, err := os.Open(path)
	if err != nil { // createOutput says what is wrong with the place
		return 0, nil
	}
	defer f.Close()
	snapshot, err := sheet.Copy(ctx, path, f)
	if err == nil {
		defer func() { err = errors.Join(err, snapshot.Close()) }()
		n, err = countInvited(snapshot)
	}
	if _, isFile := errors.AsType[*sheet.Error](err); isFile && ctx.Err() == nil {
		return n, nil // it is somebody else's, or was cut off
	}
	return n, err
}

func countInvited(s *sheet.Snapshot) (n int, err error) {
	table, err := sheet.OpenTable(s, func(label string) bool { return slices.Contains(invite.ResultColumns, label) })
	if err != nil {
		return 0, err
	}
	header, _, err := table.Next()
	if err != nil {
		return 0, ignoreEOF(err)
	}
	status, link := slices.Index(header, invite.ResultColumns[0]), slices.Index(header, invite.ResultColumns[1])
	for {
		cells, _, err := table.Next()
		if err != nil || status < 0 || link < 0 {
			return n, ignoreEOF(err)
		}
		if max(status, link) >= len(cells) || (invite.Earlier{Link: cells[link]}).Rehearsed() {
			continue
		}
		if slices.Contains([]invite.Status{invite.StatusInvited, invite.StatusAlreadyInvited, invite.StatusUnknown}, invite.Status(cells[status])) {
			n++
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
