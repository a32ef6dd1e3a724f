package sqlite

import "os"

// networkType goes by the mounts that this process sees.
func networkType(path string) (string, error) {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	return networkMount(string(mountinfo), path), nil
}
