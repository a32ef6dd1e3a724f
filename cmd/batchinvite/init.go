package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
)

func (a *app) initCommand() *cobra.Command {
	s := newPlaceSettings()
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create the ledger of this account, before the first unattended sendlink run",
		Long: `Create the ledger of this account, before the first unattended sendlink run.

It refuses where the account has one already. Do not put it into a schedule: an empty ledger there would mean that
everybody is e-mailed again.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		p, err := s.place()
		if err != nil {
			return err
		}
		led, err := sqlite.Open(cmd.Context(), p.path, p.account, p.options(sqlite.Init, "init", s.wait))
		if errors.Is(err, ledger.ErrExists) {
			return usage(err, "batchinvite status"+p.flags())
		} else if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "ledger %s begun for account %s\n", p.path, p.account)
		return led.Close()
	}
	addGroups(cmd, s.placeFlags())
	return cmd
}

// newPlaceSettings are the settings of commands that only open a ledger: what they have no flags for has run's defaults.
func newPlaceSettings() *settings {
	s := &settings{}
	s.runFlags()
	return s
}
