package sqlite

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A machine with most of what can be met.
const machine = `26 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
21 26 0:20 / /proc rw,relatime - proc proc rw
40 26 0:41 / /home rw,relatime shared:5 - nfs4 files:/home rw,vers=4.2
41 40 254:0 /scratch /home/ann/local rw,relatime - ext4 /dev/vda rw
42 26 0:42 /data /srv/share rw,relatime shared:6 master:2 - cifs //files/data rw
43 26 254:0 /srv/disk /srv/share2 rw,relatime - ext4 /dev/vda rw
44 26 0:44 / /mnt/my\040files\134x rw - fuse.sshfs ann@host: rw
45 26 0:45 / /mnt/usb rw - fuseblk /dev/sdb1 rw
46 26 0:46 / /mnt/c rw - 9p drvfs rw
47 26 0:47 / /mnt/other rw - fuse something rw
50 26 0:50 / /covered/below rw - nfs files:/below rw
51 26 254:0 /x /covered rw - ext4 /dev/vda rw
60 26 254:0 /y /twice rw - ext4 /dev/vda rw
61 60 0:61 / /twice rw - ceph mon:/ rw
nonsense
`

func TestNetworkMount_findsTheMountThatHoldsAPath(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"/", ""},
		{"/var/lib/ledger.db", ""},
		{"/home", "nfs4"},
		{"/home/ann/ledger.db", "nfs4"},
		{"/homes/ledger.db", ""},
		{"/home/ann/local/ledger.db", ""}, // a disk inside of it
		{"/srv/share/a/b", "cifs"},
		{"/srv/share2/ledger.db", ""}, // a folder that is bound there
		{"/srv/disk", ""},
		{`/mnt/my files\x/ledger.db`, "fuse.sshfs"},
		{"/mnt/usb/ledger.db", ""},
		{"/mnt/c/Users/ann/ledger.db", "9p"},
		{"/mnt/other/ledger.db", ""}, // nobody can tell
		{"/covered/below/ledger.db", ""},
		{"/twice/ledger.db", "ceph"},
	} {
		if got := networkMount(machine, tt.path); got != tt.want {
			t.Errorf("networkMount(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestNetworkMount_rootsOfContainers(t *testing.T) {
	for name, tt := range map[string]struct{ mountinfo, want string }{
		"nothing at all":         {"", ""},
		"only what is below":     {"7 3 0:7 / /data rw - nfs4 s:/ rw\n", "nfs4"},
		"a root that is its own": {"1 1 0:2 / / rw - rootfs rootfs rw\n2 1 0:3 / /data rw - nfs s:/ rw\n", "nfs"},
		"a root over another":    {"1 0 0:2 / / rw - nfs s:/ rw\n2 1 0:3 / / rw - ext4 /dev/vda rw\n", ""},
	} {
		if got := networkMount(tt.mountinfo, "/data/ledger.db"); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestParseMounts_readsWhatCounts(t *testing.T) {
	got := parseMounts("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw\nshort - line\n")
	want := []mount{{id: "36", parent: "35", point: "/mnt 2", kind: "ext3"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mount{})); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestUnescape_octal(t *testing.T) {
	for in, want := range map[string]string{
		`/a\040b`: "/a b", `/a\011b\012`: "/a\tb\n", `/a\134040`: `/a\040`, `/ü\303\274`: "/üü", `/a\04`: `/a\04`, `/a\999`: `/a\999`, `\`: `\`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
