package sqlite

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// networkType knows shares, by name or by a letter of their own.
func networkType(path string) (string, error) {
	volume, err := windows.UTF16PtrFromString(filepath.VolumeName(path) + `\`)
	if err != nil {
		return "", err
	}
	if windows.GetDriveType(volume) == windows.DRIVE_REMOTE {
		return "network drive", nil
	}
	return "", nil
}
