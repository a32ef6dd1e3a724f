package invite_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "batchinvite/"

// rule says which packages of ours a package may import, and why no others.
type rule struct {
	may []string
	why string
}

const wordsOnly = "it speaks the common words, and only cmd knows how the parts fit together"

// arrows are all packages below pkg/, also those to come. A package without a line here fails the test.
var arrows = map[string]rule{
	"pkg/invite":            {nil, "everybody speaks its words, so a word that needs a package of ours would close a circle"},
	"pkg/sandbox":           {nil, "it plays the vendor, who knows nothing of us: a shared bug would hide in both"},
	"pkg/pace":              {nil, "it knows time and nothing of candidates"},
	"pkg/sheet":             {[]string{"pkg/invite"}, wordsOnly},
	"pkg/results":           {[]string{"pkg/invite"}, wordsOnly},
	"pkg/report":            {[]string{"pkg/invite"}, wordsOnly},
	"pkg/api":               {[]string{"pkg/invite"}, wordsOnly},
	"pkg/ledger":            {[]string{"pkg/invite"}, "it is the contract of all stores and must not lean on one"},
	"pkg/ledger/sqlite":     {[]string{"pkg/ledger", "pkg/invite"}, "a store implements the contract and nothing else"},
	"pkg/ledger/postgres":   {[]string{"pkg/ledger", "pkg/invite"}, "a store implements the contract and nothing else"},
	"pkg/ledger/ledgertest": {[]string{"pkg/ledger", "pkg/invite"}, "one suite judges every store, so it knows none of them"},
	"pkg/pipeline":          {[]string{"pkg/invite", "pkg/pace"}, "files, ledger and API come to it from outside, so that the fleet can bring its own"},
	"pkg/fleet":             {[]string{"pkg/pipeline", "pkg/invite", "pkg/ledger", "pkg/pace"}, "it runs the same step as the local pool"},
	"pkg/web":               {[]string{"pkg/pipeline", "pkg/fleet", "pkg/invite", "pkg/ledger"}, "a page shows and starts runs, and never sends by itself"},
}

// goPackage is what `go list -json` says of a package. Tests may import what they like, so their imports are left out.
type goPackage struct {
	ImportPath string
	Imports    []string
}

// violation says what is wrong with an import, "" if nothing is.
func violation(from, to string) string {
	from, to = strings.TrimPrefix(from, module), strings.TrimPrefix(to, module)
	if strings.HasPrefix(from, "cmd/") {
		return ""
	}
	r, known := arrows[from]
	switch {
	case !known:
		return fmt.Sprintf("%s has no rule: say in this test what it may import, and why", from)
	case isOurs(to) && !slices.Contains(r.may, to):
		return fmt.Sprintf("%s imports %s, it may import %v: %s", from, to, r.may, r.why)
	case from == "pkg/invite" && isThirdParty(to) && to != "golang.org/x/net/idna":
		return fmt.Sprintf("%s imports %s: the words need the standard library and x/net/idna only", from, to)
	}
	return ""
}

func isOurs(path string) bool {
	return strings.HasPrefix(path, "pkg/") || strings.HasPrefix(path, "cmd/")
}

// isThirdParty goes by the dot of the host name, which no path of the standard library has.
func isThirdParty(path string) bool {
	host, _, _ := strings.Cut(path, "/")
	return strings.Contains(host, ".")
}

// root is the top of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestArrows_pointOneWay(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir = root(t)
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, to := range p.Imports {
			if why := violation(p.ImportPath, to); why != "" {
				t.Error(why)
			}
		}
	}
	if seen < 3 {
		t.Errorf("go list gave %d packages, want all of ours", seen)
	}
}

func TestArrows_forbiddenImportIsCaught(t *testing.T) {
	for _, tc := range []struct{ from, to, want string }{
		{"pkg/sheet", "batchinvite/pkg/invite", ""},
		{"pkg/sheet", "golang.org/x/text/encoding", ""},
		{"pkg/invite", "golang.org/x/net/idna", ""},
		{"cmd/batchinvite", "batchinvite/pkg/web", ""},
		{"pkg/sheet", "batchinvite/pkg/api",
			"pkg/sheet imports pkg/api, it may import [pkg/invite]: " + wordsOnly},
		{"pkg/ledger", "batchinvite/pkg/ledger/sqlite",
			"pkg/ledger imports pkg/ledger/sqlite, it may import [pkg/invite]: it is the contract of all stores and must not lean on one"},
		{"pkg/sandbox", "batchinvite/pkg/invite",
			"pkg/sandbox imports pkg/invite, it may import []: it plays the vendor, who knows nothing of us: a shared bug would hide in both"},
		{"pkg/results", "batchinvite/cmd/batchinvite",
			"pkg/results imports cmd/batchinvite, it may import [pkg/invite]: " + wordsOnly},
		{"pkg/invite", "github.com/rs/zerolog",
			"pkg/invite imports github.com/rs/zerolog: the words need the standard library and x/net/idna only"},
		{"pkg/util", "strings",
			"pkg/util has no rule: say in this test what it may import, and why"},
	} {
		if got := violation(module+tc.from, tc.to); got != tc.want {
			t.Errorf("%s importing %s: got %q, want %q", tc.from, tc.to, got, tc.want)
		}
	}
}

// visible is all that a newcomer sees first. Settings of tools are dot files.
var visible = []string{"Makefile", "README.md", "cmd", "go.mod", "go.sum", "pkg", "samples"}

func TestTopLevel_showsOnlyWhatANewcomerNeeds(t *testing.T) {
	if diff := cmp.Diff(visible, topLevel(t)); diff != "" {
		t.Errorf("top of the repository (-want +got):\n%s", diff)
	}
}

// topLevel asks git, for what a clone will have. Without git, in an unpacked archive, all that stands there counts but
// what make builds.
func topLevel(t *testing.T) []string {
	t.Helper()
	var names []string
	list := exec.CommandContext(t.Context(), "git", "ls-files")
	list.Dir = root(t)
	if out, err := list.Output(); err == nil {
		names = strings.Split(strings.TrimSpace(string(out)), "\n")
	} else {
		entries, err := os.ReadDir(root(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	var top []string
	for _, name := range names {
		name, _, _ = strings.Cut(name, "/")
		if !strings.HasPrefix(name, ".") && name != "bin" {
			top = append(top, name)
		}
	}
	slices.Sort(top)
	return slices.Compact(top)
}
