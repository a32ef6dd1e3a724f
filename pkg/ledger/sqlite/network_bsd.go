//go:build darwin || freebsd

package sqlite

import "golang.org/x/sys/unix"

// networkType goes by the system's own word on what is local.
func networkType(path string) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return "", err
	}
	if s.Flags&unix.MNT_LOCAL != 0 {
		return "", nil
	}
	return unix.ByteSliceToString(s.Fstypename[:]), nil
}
