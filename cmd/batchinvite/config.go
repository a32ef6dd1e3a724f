package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"batchinvite/pkg/invite"
)

const envPrefix = "BATCHINVITE_"

// keyVariable holds the API key. It is no setting: nothing may print it.
const keyVariable = envPrefix + "API_KEY"

// configure fills in the flags that were not typed: from the environment, then from the settings file. The values go
// through the flags' own Set, so that there is one set of rules. known are the flags of run, which a settings file may
// hold whatever the command is.
func (s *settings) configure(flags, known *pflag.FlagSet, u *ui) error {
	s.typed = map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { s.typed[f.Name] = true })

	environment := koanf.New("\n") // no delimiter: the keys are flat
	err := environment.Load(env.Provider("\n", env.Opt{Prefix: envPrefix, TransformFunc: func(k, v string) (string, any) {
		if v == "" {
			return "", nil // empty is the shell's way to unset
		}
		return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(k, envPrefix)), "_", "-"), v
	}}), nil)
	if err != nil {
		return usagef("read the environment: %w", err)
	}
	for _, name := range environment.Keys() {
		switch f, variable := known.Lookup(name), variableOf(name); {
		case variable == keyVariable:
		case f == nil:
			u.sayf("batchinvite: warning: %s is not a setting and is ignored\n", variable)
		case isOneOff(f):
			return usagef("%s: --%s is for the command line only", variable, name)
		}
	}
	if s.config == "" {
		s.config = findConfig()
	}
	settingsFile := koanf.New("\n")
	if s.config != "" {
		if err := settingsFile.Load(file.Provider(s.config), yaml.Parser()); err != nil {
			return usagef("read settings %q: %w", s.config, err)
		}
		if err := checkKeys(settingsFile.Keys(), known, s.config); err != nil {
			return err
		}
	}
	return s.fill(flags, environment, settingsFile)
}

func (s *settings) fill(flags *pflag.FlagSet, environment, settingsFile *koanf.Koanf) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Changed || isOneOff(f):
		case environment.Exists(f.Name):
			errs = append(errs, set(f, environment.Get(f.Name), variableOf(f.Name)))
		case settingsFile.Exists(f.Name):
			errs = append(errs, set(f, settingsFile.Get(f.Name), s.config+": "+f.Name))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return usage(err)
	}
	return nil
}

// set gives a flag a value of a settings file: one word, or a list of words.
func set(f *pflag.Flag, value any, where string) error {
	words, isList := value.([]any)
	if !isList {
		words = []any{value}
	}
	for _, word := range words {
		if _, nested := word.(map[string]any); nested {
			return fmt.Errorf("%s: want a word or a list of words", where)
		}
		if date, isDate := word.(time.Time); isDate { // YAML reads a bare date as a time
			word = date.Format(time.DateOnly)
		}
		text := fmt.Sprint(word)
		if err := f.Value.Set(text); err != nil {
			return fmt.Errorf("%s: %w", where, notA(f, text, err))
		}
	}
	return nil
}

func checkKeys(keys []string, known *pflag.FlagSet, path string) error {
	for _, key := range keys {
		name, _, _ := strings.Cut(key, "\n")
		switch f := known.Lookup(name); {
		case f == nil && strings.Contains(name, "key") && !strings.Contains(name, "file"):
			return usage(fmt.Errorf("%s: %s is not a setting; a key does not belong here", path, name), "put the key into a file of its own and name it with api-key-file")
		case f == nil:
			return usage(fmt.Errorf("%s: %s is not a setting", path, name), "batchinvite run --help lists the settings")
		case isOneOff(f):
			return usagef("%s: %s is for the command line only", path, name)
		}
	}
	return nil
}

func isOneOff(f *pflag.Flag) bool {
	_, is := f.Annotations[oneOff]
	return is || f.Name == "help"
}

func variableOf(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func findConfig() string {
	places := []string{"/etc/batchinvite/config.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		places = slices.Insert(places, 0, filepath.Join(dir, "batchinvite", "config.yaml"))
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place
		}
	}
	return ""
}

// defaultLedger is where the ledger is if nobody says otherwise: in systemd's folder for the unit's state, else in the
// user's.
func defaultLedger() (string, error) {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return filepath.Join(dir, "ledger.db"), nil
	}
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // the XDG specification has relative ones ignored

		var err error
		switch runtime.GOOS {
		case "darwin", "windows":
			dir, err = os.UserConfigDir()
		default:
			if dir, err = os.UserHomeDir(); err == nil {
				dir = filepath.Join(dir, ".local", "state")
			}
		}
		if err != nil {
			return "", usage(fmt.Errorf("find a place for the ledger: %w", err), "name one with --ledger FILE")
		}
	}
	return filepath.Join(dir, "batchinvite", "ledger.db"), nil
}

// apiKey finds the key. It is never a flag: arguments are there for every user of the machine to see.
func (s *settings) apiKey(ctx context.Context, u *ui) (string, error) {
	path := s.apiKeyFile
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); path == "" && dir != "" {
		if candidate := filepath.Join(dir, "api_key"); exists(candidate) {
			path = candidate
		}
	}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", usagef("read the API key: %w", err)
		}
		if key := strings.TrimSpace(string(text)); key != "" {
			return key, nil
		}
		return "", usagef("read the API key: %q is empty", path)
	}
	if key := strings.TrimSpace(os.Getenv(keyVariable)); key != "" {
		return key, nil
	}
	key, err := u.askSecret(ctx, "API key: ")
	var stop *invite.Stop
	if errors.As(err, &stop) {
		return "", err
	}
	if err != nil || key == "" {
		return "", usage(errors.New("no API key"), "put it into a file and give --api-key-file FILE, or set "+keyVariable, "rehearse without a key: --sandbox")
	}
	return key, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
