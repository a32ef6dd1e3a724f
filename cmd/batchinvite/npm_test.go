package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// npmInstalled copies a folder of testdata to where testscript.Main removes it, and puts the packages that it names beside
// it. npm keeps them for the next time.
func npmInstalled(name string) (dir string, err error) {
	for _, need := range []string{"node", "npm"} {
		if _, err := exec.LookPath(need); err != nil {
			return "", fmt.Errorf("%s is missing, install nodejs and npm", need)
		}
	}
	program, err := exec.LookPath("batchinvite")
	if err != nil {
		return "", err
	}
	source := filepath.Join("testdata", name)
	dir = filepath.Join(filepath.Dir(program), name)
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		return "", err
	}
	npm := exec.Command("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm can't install what %s needs: %w\n%s", source, err, out)
	}
	return dir, nil
}
