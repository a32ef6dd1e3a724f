package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/sandbox"
)

// place is the ledger and the account that a command means, and what must be closed at its end.
type place struct {
	path, account string
	rehearsal     bool // a fresh ledger in a temporary folder
	settings      *settings
	closers       []func() error
}

const rehearsalPattern = "batchinvite-rehearsal-*"

// place finds the ledger. It creates nothing but a rehearsal's folder.
func (s *settings) place() (*place, error) {
	p := &place{path: s.ledger, settings: s}
	var err error
	if p.account, err = s.accountName(); err != nil {
		return nil, err
	}
	switch {
	case p.path != "":
		p.path, err = filepath.Abs(p.path)
	case s.sandbox:
		p.rehearsal = true
		err = p.throwaway()
	default:
		p.path, err = defaultLedger()
	}
	if err == nil && isFolder(p.path) {
		err = usagef("--ledger %s: is a folder, name a file in it", p.path)
	}
	return p, err
}

// throwaway makes a temporary folder for a ledger that nobody will miss, and removes those that killed runs left.
func (p *place) throwaway() error {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), rehearsalPattern))
	if err != nil {
		return err
	}
	for _, dir := range old {
		if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // perhaps one that is about to lock itself
		}
		alive := flock.New(filepath.Join(dir, "alive"))
		if free, err := alive.TryLock(); err == nil && free {
			if err := errors.Join(os.RemoveAll(dir), alive.Close()); err != nil {
				return err
			}
		}
	}
	dir, err := os.MkdirTemp("", rehearsalPattern)
	if err != nil {
		return err
	}
	alive := flock.New(filepath.Join(dir, "alive"))
	if err := alive.Lock(); err != nil {
		return err
	}
	p.path = filepath.Join(dir, "ledger.db")
	p.onClose(func() error { return errors.Join(os.RemoveAll(dir), alive.Close()) })
	return nil
}

func (p *place) open(ctx context.Context, create bool, command string, wait time.Duration) (ledger.Ledger, error) {
	mode := sqlite.Write
	if create {
		mode = sqlite.Create
	}
	led, err := sqlite.Open(ctx, p.path, p.account, p.options(mode, command, wait))
	if err != nil {
		return nil, err
	}
	return led, nil
}

// options are those of a command that writes. A rehearsal's ledger is nobody's loss, wherever temporary files are.
func (p *place) options(mode sqlite.Mode, command string, wait time.Duration) sqlite.Options {
	return sqlite.Options{Mode: mode, Command: command, Wait: wait, AllowNetwork: p.settings.allowNetwork || p.rehearsal}
}

// read opens the ledger without its lock. It is nil if there is none of this account.
func (p *place) read(ctx context.Context) (ledger.Ledger, error) {
	led, err := sqlite.Open(ctx, p.path, p.account, sqlite.Options{Mode: sqlite.Read})
	switch {
	case errors.Is(err, ledger.ErrNoLedger), errors.Is(err, ledger.ErrNoAccount):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return led, nil
}

// startSandbox starts the stand-in for as long as the place is open.
func (p *place) startSandbox(ctx context.Context) (baseURL string, err error) {
	server := sandbox.New(sandbox.Config{Seed: uint64(time.Now().UnixNano()), CountsOnly: true})
	p.onClose(server.Close)
	return server.Start(context.WithoutCancel(ctx), "127.0.0.1:0")
}

func (p *place) onClose(f func() error) { p.closers = append(p.closers, f) }

// close undoes what was opened, the last first.
func (p *place) close() error {
	var errs []error
	for _, f := range slices.Backward(p.closers) {
		errs = append(errs, f())
	}
	p.closers = nil
	return errors.Join(errs...)
}

// flags are what another command must be given to mean the same place.
func (p *place) flags() string {
	s, text := p.settings, ""
	base := s.baseURL
	if s.sandbox {
		base = "https://" + sandboxHost
	}
	for _, f := range []struct{ name, value, standard string }{
		{"base-url", base, defaultBaseURL},
		{"account", s.account, "default"},
		{"ledger", s.ledger, ""},
	} {
		if f.value != f.standard {
			text += " --" + f.name + " " + quoted(f.value)
		}
	}
	if s.allowNetwork {
		text += " --allow-network-ledger"
	}
	return text
}
