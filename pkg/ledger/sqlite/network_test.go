package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"batchinvite/pkg/ledger"
)

func TestExisting_isWhereTheFileWouldBeMade(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"real/deep", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"folder":        "real/deep",
		"other/dangles": "../real/deep/l.db", // to nothing yet
		"far":           filepath.Join(dir, "real", "new", "l.db"),
		"loop":          "loop",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "real", "l.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"real/l.db":      "real/l.db",
		"real/a/b/l.db":  "real",
		"folder/l.db":    "real/deep",
		"folder/../l.db": ".", // as the system's own path functions have it
		"other/dangles":  "real/deep",
		"far":            "real",
	} {
		got, err := existing(filepath.Join(dir, path))
		if want := filepath.Join(dir, want); err != nil || got != want {
			t.Errorf("existing(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
	if got, err := existing(filepath.Join(dir, "loop", "l.db")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("existing of a loop of links = %q, %v, want an error", got, err)
	}
}

func TestRefuseNetwork_namesTheFileSystem(t *testing.T) {
	dir := t.TempDir()
	asked := ""
	err := refuseNetwork(filepath.Join(dir, "new", "l.db"), func(path string) (string, error) {
		asked = path
		return "nfs4", nil
	})
	if want := "it is on a network file system (nfs4)"; !errors.Is(err, ledger.ErrNetwork) || err.Error() != want {
		t.Errorf("refuseNetwork = %v, want %s", err, want)
	}
	if real, _ := filepath.EvalSymlinks(dir); asked != real {
		t.Errorf("asked for the type of %q, want %q", asked, real)
	}
	if err := refuseNetwork(dir, networkType); err != nil {
		t.Errorf("refuseNetwork of this machine's temporary folder = %v, want nil", err)
	}
}
