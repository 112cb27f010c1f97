package evidence

import (
	"slices"
	"strconv"
	"strings"
)

// block is one device below a mount: what it is and what it lies on.
type block struct {
	kind  string
	below []string
}

func parseMounts(d *document) Fact[[]Mount] {
	if !d.wants("mounts") {
		return Unknown[[]Mount](WhyNotCollected)
	}
	if why := d.why("mnt"); why != "" {
		return Unknown[[]Mount](why)
	}
	blocks, why := parseBlocks(d.text("blk")), d.why("blk")
	out := []Mount{}
	for line := range lines(d.text("mnt")) {
		m, ok := parseMount(line)
		if !ok {
			return Unknown[[]Mount](WhyParse)
		}
		m.Encrypted, m.Crypt = encryption(blocks, m, why)
		out = append(out, m)
	}
	if len(out) > MaxMounts {
		return Unknown[[]Mount](WhyTooMany)
	}
	slices.SortStableFunc(out, func(a, b Mount) int { return strings.Compare(a.Target, b.Target) })
	return Known(out)
}

// parseMount reads "MAJOR:MINOR TARGET FSTYPE SOURCE OPTIONS ROOT", fields of /proc/self/mountinfo.
func parseMount(line string) (Mount, bool) {
	f := strings.Fields(line)
	if len(f) != 6 || !strings.Contains(f[0], ":") {
		return Mount{}, false
	}
	m := Mount{
		Device: clean(f[0]), Target: clean(unescape(f[1])), FSType: clean(f[2]),
		Source: clean(unescape(f[3])), Options: []string{}, Root: clean(unescape(f[5])),
	}
	for o := range strings.SplitSeq(clean(f[4]), ",") {
		m.Options = append(m.Options, o)
	}
	return m, true
}

// Passing says that the file system keeps nothing by itself: memory, the kernel's own, an image that is only read,
// the layers of a container. A list of all mounts leaves those out; one that a rule asked for is there.
func (m Mount) Passing() bool {
	switch m.FSType {
	case "overlay":
		return m.Target != "/"
	case "tmpfs", "ramfs", "devtmpfs", "squashfs", "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "hugetlbfs", "bpf", "tracefs",
		"debugfs", "securityfs", "pstore", "efivarfs", "configfs", "fusectl", "binfmt_misc", "autofs", "rpc_pipefs", "nsfs", "rootfs":
		return true
	}
	return strings.HasPrefix(m.FSType, "fuse") && m.FSType != "fuse.sshfs" && !strings.HasPrefix(m.Source, "/dev/")
}

// unescape undoes the octal that the kernel writes for space, tab, newline and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseBlocks reads "MAJOR:MINOR KIND BELOW…".
func parseBlocks(text string) map[string]block {
	out := map[string]block{}
	for line := range lines(text) {
		if f := strings.Fields(line); len(f) >= 2 {
			out[f[0]] = block{kind: f[1], below: f[2:]}
		}
	}
	return out
}

// encryption says whether every path from the mount down to a disk passes a dm-crypt layer that
// encrypts. What the cloud encrypts below the disk cannot be seen from here.
func encryption(blocks map[string]block, m Mount, why string) (Fact[bool], Fact[string]) {
	switch m.FSType {
	case "nfs", "nfs4", "cifs", "smb3", "ceph", "virtiofs", "9p", "fuse.sshfs":
		return Unknown[bool]("network"), Unknown[string]("network")
	case "tmpfs", "ramfs":
		return Unknown[bool]("memory"), Unknown[string]("memory")
	case "zfs", "overlay":
		return Unknown[bool](m.FSType), Unknown[string](m.FSType)
	}
	w := walk{blocks: blocks, why: why}
	yes := w.encrypted(m.Device, 0)
	if !yes.Known {
		return yes, Unknown[string](yes.Why)
	}
	if !yes.Value {
		return yes, Unknown[string]("not_encrypted")
	}
	return yes, Known(w.crypt)
}

type walk struct {
	blocks map[string]block
	why    string // that the record is not whole, if so
	crypt  string
}

const maxDepth = 16

func (w *walk) encrypted(dev string, depth int) Fact[bool] {
	b, ok := w.blocks[dev]
	if !ok || depth > maxDepth {
		why := w.why
		if why == "" {
			why = "no_device"
		}
		return Unknown[bool](why)
	}
	if kind, is := strings.CutPrefix(b.kind, "CRYPT-"); is && encrypts(kind) {
		w.crypt = clean(kind)
		return Known(true)
	}
	if len(b.below) == 0 {
		if b.kind == "disk" {
			return Known(false)
		}
		return Unknown[bool]("below_" + code(strings.ToLower(b.kind)))
	}
	all := Known(true)
	for _, s := range b.below {
		switch f := w.encrypted(s, depth+1); {
		case f.Known && !f.Value:
			return f
		case !f.Known:
			all = f
		}
	}
	return all
}

// encrypts knows the kinds of dm-crypt mapping that hide the data. VERITY and INTEGRITY are
// cryptsetup's too, but only check it. Names: cryptsetup, DM_UUID_PREFIX.
func encrypts(kind string) bool {
	return slices.Contains([]string{"LUKS1", "LUKS2", "PLAIN", "TCRYPT", "BITLK", "LOOPAES", "FVAULT2"}, kind)
}
