package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	s := &settings{}
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Show what run would do, with every problem of the file; sends and claims nothing",
		Args:  cobra.MinimumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if err := a.start(cmd, s); err != nil {
			return err
		}
		code, err := a.check(cmd, s, files)
		if err != nil {
			return err
		}
		return finished{code}
	}
	addGroups(cmd, s.runFlags()...)
	return cmd
}

func (a *app) check(cmd *cobra.Command, s *settings, files []string) (code int, err error) {
	take, _, release := a.watchSignals(cmd.Context())
	defer release()
	b, err := a.openBatch(take, files, s)
	if err != nil {
		return 0, stoppedEarly(take, err)
	}
	defer func() { err = errors.Join(err, b.close()) }()
	place, err := s.place()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	led, err := place.read(take)
	if err != nil {
		return 0, err
	}
	if led != nil {
		defer func() { err = errors.Join(err, led.Close()) }()
	}
	p, err := s.plan(take, b, led, func(where string) { fmt.Fprintln(a.out, where) })
	if err != nil {
		return 0, stoppedEarly(take, err)
	}
	p.problems = nil // they are on stdout, all of them
	if !s.quiet {
		a.sayf("%s", p.text(s, b, place.path, place.account))
	}
	if err := s.guardPlan(p, b, place); err != nil {
		return 0, err
	}
	if p.Invalid > 0 {
		return exitSomeFailed, nil
	}
	return exitDone, nil
}
