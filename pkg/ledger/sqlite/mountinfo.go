package sqlite

import (
	"strconv"
	"strings"
)

// networkTypes are Linux' names of file systems that live on another machine. FUSE as such says nothing, it tells the
// program behind it after a dot. 9p is the way into a virtual machine or WSL: neither memory nor locks are shared with the
// side that has the disk.
var networkTypes = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "ncpfs": true, "afs": true, "coda": true, "9p": true,
	"ceph": true, "lustre": true, "gpfs": true, "beegfs": true, "pvfs2": true, "glusterfs": true,
	"fuse.sshfs": true, "fuse.glusterfs": true, "fuse.ceph": true, "fuse.ceph-fuse": true, "fuse.juicefs": true,
	"fuse.rclone": true, "fuse.s3fs": true, "fuse.mount-s3": true, "fuse.goofys": true, "fuse.gcsfuse": true,
	"fuse.blobfuse2": true, "fuse.davfs": true, "fuse.davfs2": true, "fuse.curlftpfs": true, "fuse.smbnetfs": true,
	"fuse.nfs": true, "fuse.moosefs": true, "fuse.mfs": true, "fuse.lizardfs": true, "fuse.seaweedfs": true,
}

// mount is a line of /proc/PID/mountinfo, see proc_pid_mountinfo(5).
type mount struct {
	id, parent  string
	point, kind string
}

// networkMount gives the type of the network file system that holds path, which is absolute and without links; "" if it is
// on none.
func networkMount(mountinfo, path string) string {
	if m := mountOf(parseMounts(mountinfo), path); networkTypes[m.kind] {
		return m.kind
	}
	return ""
}

func parseMounts(mountinfo string) (mounts []mount) {
	for line := range strings.Lines(mountinfo) {
		// 36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw: any number of fields stands before the dash.
		left, right, _ := strings.Cut(line, " - ")
		before, after := strings.Fields(left), strings.Fields(right)
		if len(before) >= 5 && len(after) >= 1 {
			mounts = append(mounts, mount{id: before[0], parent: before[1], point: unescape(before[4]), kind: after[0]})
		}
	}
	return mounts
}

// mountOf goes down from mount to mount as the system does. The longest mount point alone would be wrong where something
// was mounted over a folder with mounts in it.
func mountOf(mounts []mount, path string) (at mount) {
	known := map[string]bool{}
	for _, m := range mounts {
		known[m.id] = true
	}
	next := func(within func(mount) bool) (first mount, found bool) {
		for _, m := range mounts {
			// Of two on the way, the one whose folder comes first hides the other.
			if within(m) && holds(m.point, path) && (!found || len(m.point) < len(first.point)) {
				first, found = m, true
			}
		}
		return first, found
	}
	m, found := next(func(m mount) bool { return !known[m.parent] || m.parent == m.id })
	for range mounts { // at most: each step goes to a child
		if !found {
			break
		}
		at = m
		m, found = next(func(m mount) bool { return m.parent == at.id && m.id != at.id })
	}
	return at
}

func holds(point, path string) bool {
	return path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")
}

// unescape undoes the octal escapes of spaces, tabs, line breaks and backslashes.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
