package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keep saves the file at path under another name, unless there is none or it has the known hash. The file stays where
// it is: it is under one of its names at every moment, whenever the power goes.
func keep(path, known string) (kept string, err error) {
	// What became a folder since Create is for the rename to refuse.
	if !isRegular(path) {
		return "", nil
	}
	// A file that can't be read is somebody else's.
	if sum, err := fileHash(path); err == nil && sum == known {
		return "", nil
	}
	kept, err = setAside(path, path)
	if err != nil {
		return "", fmt.Errorf("keep %s: %w", path, err)
	}
	return kept, syncFolder(path)
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// setAside gives the file at path a second name that nothing has yet: target's with the time in it.
func setAside(path, target string) (string, error) {
	stamp := time.Now().UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		name := stamped(target, stamp, n)
		err := os.Link(path, name)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			// A file system without hard links, such as FAT.
			err = moveTo(path, name)
		}
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// stamped puts the time, and a number from the second try on, before the extension.
func stamped(target, stamp string, try int) string {
	if try > 1 {
		stamp = fmt.Sprintf("%s-%d", stamp, try)
	}
	ext := filepath.Ext(target)
	return strings.TrimSuffix(target, ext) + "." + stamp + ext
}

// moveTo renames without replacing anything: the only thing that can stand there is the empty file that it puts there
// itself.
func moveTo(path, name string) error {
	place, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(place.Close(), os.Rename(path, name))
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
