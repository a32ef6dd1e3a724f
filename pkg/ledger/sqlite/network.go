package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"batchinvite/pkg/ledger"
)

// refuseNetwork: a network file system may let two machines have one lock, and shares no memory for the write-ahead log's
// index, so a claim of one would be hidden from the other. It creates nothing.
func refuseNetwork(path string, typeOf func(path string) (string, error)) error {
	place, err := existing(path)
	if err != nil {
		return err
	}
	kind, err := typeOf(place)
	if err != nil {
		return fmt.Errorf("find out the file system of %q: %w", place, err)
	}
	if kind != "" {
		return fmt.Errorf("%w (%s)", ledger.ErrNetwork, kind)
	}
	return nil
}

// existing gives the file, or else the nearest folder in which the file and its folders would be made, without links.
func existing(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for {
		place, err := filepath.EvalSymlinks(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return place, err
		}
		target, err := os.Readlink(path)
		if path = filepath.Dir(path); err != nil {
			continue
		}
		// A link to nothing is followed when the file is made.
		if !filepath.IsAbs(target) {
			if path, err = filepath.EvalSymlinks(path); err != nil {
				return "", err
			}
			target = filepath.Join(path, target)
		}
		path = target
	}
}
