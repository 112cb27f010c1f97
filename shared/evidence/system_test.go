package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyward/keyward/shared/evidence"
)

var (
	no      = evidence.Known(false)
	unknown = evidence.Unknown[string]
)

func TestOS(t *testing.T) {
	t.Parallel()
	want := evidence.OS{
		ID: evidence.Known("amzn"), VersionID: evidence.Known("2023"), Pretty: evidence.Known("Amazon Linux 2023.6.20260101"),
		Kernel: evidence.Known("6.1.0-18-cloud-amd64"), Arch: evidence.Known("x86_64"),
		BootID: evidence.Known("167d7f4f-f8fa-44b0-b59f-0571bb2c48ac"), Boot: evidence.Known(time.Unix(1795300000, 0).UTC()),
	}
	if diff := cmp.Diff(want, load(t, "server").parse(t).OS); diff != "" {
		t.Errorf("OS (-want +got):\n%s", diff)
	}
}

func TestOSUnknown(t *testing.T) {
	t.Parallel()
	odd := bare().with("sys", "uname\nbtime never\n167d7f4f-f8fa-44b0-b59f-0571bb2c48aZ").with("os", "ID=\nVERSION_ID='12'")
	narrow := bare()
	narrow.Want = ",mounts,"
	for name, c := range map[string]struct{ got, want string }{
		"kernel without text":  {odd.parse(t).OS.Kernel.String(), "unknown (parse_error)"},
		"boot without time":    {odd.parse(t).OS.Boot.String(), "unknown (parse_error)"},
		"boot id of no digits": {odd.parse(t).OS.BootID.String(), "unknown (parse_error)"},
		"empty id":             {odd.parse(t).OS.ID.String(), "unknown (absent)"},
		"single quotes":        {odd.parse(t).OS.VersionID.String(), "12"},
		"no file":              {bare().skip("os", "absent").parse(t).OS.ID.String(), "unknown (absent)"},
		"record cut":           {bare().cut("sys", "").parse(t).OS.Arch.String(), "unknown (cut)"},
		"record missing":       {bare().without("sys").parse(t).OS.Arch.String(), "unknown (missing)"},
		"not asked for":        {narrow.parse(t).OS.ID.String(), "unknown (not_collected)"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
}

func TestListeners(t *testing.T) {
	t.Parallel()
	pid, exe := evidence.Known[int], evidence.Known[string]
	want := []evidence.Listener{
		{Proto: "tcp", Family: 4, Addr: "0.0.0.0", Port: 22, DualStack: no, Scope: "any", PID: pid(712), Exe: exe("/usr/sbin/sshd")},
		{
			Proto: "tcp", Family: 6, Addr: "::", Port: 22, DualStack: evidence.Unknown[bool]("no_source"), Scope: "any",
			PID: pid(712), Exe: exe("/usr/sbin/sshd"),
		},
		{
			Proto: "tcp", Family: 4, Addr: "127.0.0.1", Port: 8081, DualStack: no, Scope: "loopback", UID: 1000,
			PID: pid(4021), Exe: exe("/home/app/server"), ExeDeleted: true,
		},
		{
			Proto: "tcp", Family: 6, Addr: "::1", Port: 8083, DualStack: no, Scope: "loopback",
			PID: evidence.Unknown[int]("not_visible"), Exe: unknown("not_visible"),
		},
		{
			Proto: "tcp", Family: 6, Addr: "::ffff:127.0.0.1", Port: 8084, DualStack: no, Scope: "loopback", UID: 33,
			PID: pid(990), Exe: exe("/usr/bin/java"), ExeForeign: true,
		},
		{
			Proto: "udp", Family: 4, Addr: "169.254.1.1", Port: 68, DualStack: no, Scope: "linklocal", UID: 101,
			PID: pid(801), Exe: exe("/usr/lib/systemd/systemd-networkd"),
		},
		{
			Proto: "udp", Family: 6, Addr: "fe80::1", Port: 546, DualStack: no, Scope: "linklocal",
			PID: pid(801), Exe: exe("/usr/lib/systemd/systemd-networkd"),
		},
	}
	if diff := cmp.Diff(evidence.Known(want), load(t, "server").parse(t).Listeners); diff != "" {
		t.Errorf("Listeners (-want +got):\n%s", diff)
	}
}

// A list of listeners is known whole or not at all: what cannot be read could be what is forbidden.
func TestListenersUnknown(t *testing.T) {
	t.Parallel()
	one := "tcp 0100007F:0050 0 -"
	narrow := bare()
	narrow.Want = ",os,"
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"nothing listens":    {bare(), "[]"},
		"three fields":       {bare().with("net", "tcp 0100007F:0050 0"), "unknown (parse_error)"},
		"another protocol":   {bare().with("net", "sctp 0100007F:0050 0 -"), "unknown (parse_error)"},
		"uid no number":      {bare().with("net", "tcp 0100007F:0050 root -"), "unknown (parse_error)"},
		"address too short":  {bare().with("net", "tcp 01007F:0050 0 -"), "unknown (parse_error)"},
		"address not hex":    {bare().with("net", "tcp 0100007G:0050 0 -"), "unknown (parse_error)"},
		"no port":            {bare().with("net", "tcp 0100007F 0 -"), "unknown (parse_error)"},
		"port too big":       {bare().with("net", "tcp 0100007F:10050 0 -"), "unknown (parse_error)"},
		"family differs":     {bare().with("net", "tcp6 0100007F:0050 0 -"), "unknown (parse_error)"},
		"too many":           {bare().with("net", strings.Repeat(one+"\n", 513)), "unknown (too_many)"},
		"record cut":         {bare().cut("net", one), "unknown (cut)"},
		"not asked for":      {narrow, "unknown (not_collected)"},
		"record is missing":  {bare().without("net"), "unknown (missing)"},
		"reason from a liar": {bare().skip("net", "<b>gone</b>"), "unknown (parse_error)"},
		"no reason":          {bare().skip("net", strings.Repeat("a", 40)), "unknown (parse_error)"},
	} {
		if got := c.g.parse(t).Listeners.String(); got != c.want {
			t.Errorf("%s: Listeners = %s, want %s", name, got, c.want)
		}
	}
	if got := bare().with("net", strings.Repeat(one+"\n", 512)).parse(t).Listeners; len(got.Value) != 512 {
		t.Errorf("512 listeners: %d known %v, want all", len(got.Value), got.Known)
	}
}

func TestListenerOwner(t *testing.T) {
	t.Parallel()
	g := bare().with("net", "tcp 00000000:0050 0 712").with("exe", strings.Join([]string{
		"712", "x = /bin/x", "-1 = /bin/x", "712 = /srv/odd name \x1b[31m", "0 = /bin/zero",
	}, "\n"))
	l := g.parse(t).Listeners.Value[0]
	if l.Exe != evidence.Known("/srv/odd name ?[31m") {
		t.Errorf("Exe = %v, want the path made harmless", l.Exe)
	}
	l = g.with("exe", "").parse(t).Listeners.Value[0]
	if l.PID != evidence.Known(712) || l.Exe.Why != "not_visible" {
		t.Errorf("PID = %v Exe = %v, want the pid and no program", l.PID, l.Exe)
	}
	for _, pid := range []string{"-", "0", "-7", "many"} {
		l := g.user().with("net", "tcp 00000000:0050 0 "+pid).parse(t).Listeners.Value[0]
		if l.PID != evidence.Unknown[int]("not_root") || l.Exe != unknown("not_root") {
			t.Errorf("pid %q: PID = %v Exe = %v, want both not_root", pid, l.PID, l.Exe)
		}
	}
}

func TestListenersAreSorted(t *testing.T) {
	t.Parallel()
	g := bare().with("net", strings.Join([]string{
		"udp 00000000:0035 0 9", "tcp 0200007F:0050 0 -", "tcp 0100007F:0050 0 8", "tcp 0100007F:0050 0 7",
		"tcp6 00000000000000000000000000000000:0050 0 7", "tcp 00000000:0016 0 1",
	}, "\n"))
	var got []string
	for _, l := range g.parse(t).Listeners.Value {
		got = append(got, fmt.Sprintf("%s/%d %s %d", l.Proto, l.Port, l.Addr, l.PID.Value))
	}
	want := []string{"tcp/22 0.0.0.0 1", "tcp/80 127.0.0.1 7", "tcp/80 127.0.0.1 8", "tcp/80 127.0.0.2 0", "tcp/80 :: 7", "udp/53 0.0.0.0 9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestMounts(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	mounts := load(t, "server").parse(t).Mounts
	for _, m := range mounts.Value {
		got[m.Target] = fmt.Sprintf("%s %s %s %s: %v %v", m.Device, m.FSType, m.Source, m.Root, m.Encrypted, m.Crypt)
	}
	want := map[string]string{
		"/":              "259:1 xfs /dev/nvme0n1p1 /: false unknown (not_encrypted)",
		"/data":          "253:2 ext4 /dev/mapper/data /: true LUKS2",
		"/srv/two words": "253:3 ext4 /dev/mapper/vg-srv /: true LUKS1",
		"/half":          "253:4 ext4 /dev/mapper/half /: false unknown (not_encrypted)",
		"/verity":        "253:6 ext4 /dev/mapper/verity /: false unknown (not_encrypted)",
		"/pool":          "0:51 btrfs /dev/dm-2 /sub: true PLAIN",
		"/net":           "0:52 nfs4 10.0.0.5:/export /: unknown (network) unknown (network)",
		"/image":         "7:0 ext4 /dev/loop0 /: unknown (below_loop) unknown (below_loop)",
		"/gone":          "8:1 ext4 /dev/sda1 /: unknown (below_none) unknown (below_none)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Mounts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"rw", "noatime"}, mounts.Value[0].Options); diff != "" {
		t.Errorf("Options of / (-want +got):\n%s", diff)
	}
}

// What was asked for by name is said, so that what is not among the mounts is known not to be there.
func TestMountPoints(t *testing.T) {
	t.Parallel()
	g := bare()
	g.Ask = "file:/etc/passwd,mount:/tmp,mount:/data"
	if diff := cmp.Diff([]string{"/tmp", "/data"}, g.parse(t).Collect.MountPoints); diff != "" {
		t.Errorf("MountPoints (-want +got):\n%s", diff)
	}
}

// A list of all mounts has those that keep something.
func TestPassing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fstype, source, target string
		want                   bool
	}{
		{"ext4", "/dev/sda1", "/", false}, {"ntfs", `\\?\Volume{1}\`, `C:\`, false}, {"nfs4", "10.0.0.5:/x", "/net", false}, {"overlay", "overlay", "/", false},
		{"fuse.sshfs", "far:/", "/far", false}, {"fuseblk", "/dev/sdb1", "/usb", false}, {"", "", "/data", false},
		{"overlay", "overlay", "/var/lib/docker/x", true}, {"tmpfs", "tmpfs", "/tmp", true}, {"squashfs", "/dev/loop1", "/snap/x", true}, {"fuse.lxcfs", "lxcfs", "/var/lib/lxcfs", true},
	} {
		if m := (evidence.Mount{FSType: c.fstype, Source: c.source, Target: c.target}); m.Passing() != c.want {
			t.Errorf("Passing of %s on %s = %v, want %v", c.fstype, c.target, !c.want, c.want)
		}
	}
}

func TestMountsUnknown(t *testing.T) {
	t.Parallel()
	one := "8:1 /m ext4 /dev/sda1 rw /"
	narrow := bare()
	narrow.Want = ",os,"
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"none":          {bare(), "[]"},
		"five fields":   {bare().with("mnt", "8:1 /m ext4 /dev/sda1 rw"), "unknown (parse_error)"},
		"no device":     {bare().with("mnt", "sda1 /m ext4 /dev/sda1 rw /"), "unknown (parse_error)"},
		"too many":      {bare().with("mnt", strings.Repeat(one+"\n", 257)), "unknown (too_many)"},
		"record cut":    {bare().cut("mnt", one), "unknown (cut)"},
		"not asked for": {narrow, "unknown (not_collected)"},
	} {
		if got := c.g.parse(t).Mounts.String(); got != c.want {
			t.Errorf("%s: Mounts = %s, want %s", name, got, c.want)
		}
	}
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mount, blocks string
		cut           bool
		want          string
	}{
		"one leaf of two is known not to be": {"8:1 /m ext4 /dev/a rw /", "8:1 md 7:1 8:2\n7:1 loop\n8:2 disk", false, "false"},
		"one leaf of two is unknown":         {"8:1 /m ext4 /dev/a rw /", "8:1 md 7:1 8:2\n7:1 loop\n8:2 CRYPT-LUKS2", false, "unknown (below_loop)"},
		"a loop of devices":                  {"8:1 /m ext4 /dev/a rw /", "8:1 dm 8:2\n8:2 dm 8:1", false, "unknown (no_device)"},
		"a name that is no kind":             {"8:1 /m ext4 /dev/a rw /", "8:1 <b>", false, "unknown (below_parse_error)"},
		"a device that was not looked at":    {"8:1 /m ext4 /dev/a rw /", "8:2 disk\nx", false, "unknown (no_device)"},
		"the walk was cut":                   {"8:1 /m ext4 /dev/a rw /", "8:2 disk", true, "unknown (cut)"},
		"zfs":                                {"0:9 /m zfs tank rw /", "", false, "unknown (zfs)"},
		"memory":                             {"0:9 /tmp tmpfs tmpfs rw /", "", false, "unknown (memory)"},
		"overlay":                            {"0:9 / overlay overlay rw /", "", false, "unknown (overlay)"},
		"bad escapes stay as they are":       {`8:1 /m\9x\04 ext4 /dev/a rw /`, "8:1 disk", false, "false"},
	} {
		g := bare().with("mnt", c.mount).put(record{Name: "blk", Text: c.blocks, Cut: c.cut})
		if got := g.parse(t).Mounts.Value[0].Encrypted.String(); got != c.want {
			t.Errorf("%s: Encrypted = %s, want %s", name, got, c.want)
		}
	}
}
