package unlock_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	opens  = "cryptsetup open --type luks --batch-mode --key-file=- /data.img data"
	mounts = "mount /mapper/data /keyward-test-data"
	asked  = `ask {"bootId":"6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10"}`

	documented = `ask {"bootId":"6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10","identityDocument":"MIAGCSqGSIb3DQEHAqCAMA=="}`
	undone     = `decrypt {"CiphertextBlob":"d3JhcHBlZCBieSBLTVM=","EncryptionContext":{"keyward:machine":"i-1234567890abcdef0"},"GrantTokens":["AQpAM2Rh+/=="],"KeyId":"` + key + `"}`
)

// refusal is KMS's answer in its protocol.
func refusal(status int, code string) reply {
	return reply{status, `{"__type":"` + code + `","message":"no"}`}
}

// Both implementations do the same, and say the same.
func TestOpen(t *testing.T) {
	t.Parallel()
	all := implementations(t)
	for _, c := range []struct {
		name  string
		setup func(b *box)
		code  int
		out   string
		said  []string // the last lines
		ran   []string
		calls []string
	}{
		{
			name: "approved", setup: func(*box) {}, out: "/keyward-test-data is mounted",
			ran: []string{opens, mounts}, calls: []string{asked, undone, "delivered"},
		},
		{
			name:  "with an identity document",
			setup: func(b *box) { b.document = reply{200, "MIAGCSqG\nSIb3DQEH\nAqCAMA==\n"} },
			out:   "/keyward-test-data is mounted", ran: []string{opens, mounts}, calls: []string{documented, undone, "delivered"},
		},
		{
			name:  "with what is no identity document",
			setup: func(b *box) { b.document = reply{200, `<html>"} no`} },
			out:   "/keyward-test-data is mounted", ran: []string{opens, mounts}, calls: []string{asked, undone, "delivered"},
		},
		{
			name:  "with one that is too long",
			setup: func(b *box) { b.document = reply{200, strings.Repeat("AAAA", 3000)} },
			out:   "/keyward-test-data is mounted", ran: []string{opens, mounts}, calls: []string{asked, undone, "delivered"},
		},
		{
			name:  "with type and options",
			setup: func(b *box) { b.configure("type = ext4\noptions = noatime,nodev\n") },
			out:   "/keyward-test-data is mounted",
			ran:   []string{opens, "mount -t ext4 -o noatime,nodev /mapper/data /keyward-test-data"}, calls: []string{asked, undone, "delivered"},
		},
		{
			name:  "pending and then approved",
			setup: func(b *box) { b.asks = []reply{pending, pending, released} },
			out:   "/keyward-test-data is mounted", said: []string{"pending: waits for a person"},
			ran: []string{opens, mounts}, calls: []string{asked, asked, asked, undone, "delivered"},
		},
		{
			name: "pending when the wait is over",
			setup: func(b *box) {
				b.configure("wait = 0s\n")
				b.asks = []reply{pending}
			},
			code: 4, said: []string{"pending: waits for a person", "gave up after 0 s: waits for a person"}, calls: []string{asked},
		},
		{
			name: "denied",
			setup: func(b *box) {
				b.asks = []reply{{403, `{"request":"b0","state":"Denied","reason":"the machine does not comply","findings":[` +
					`{"rule":"no plain web","verdict":"Fail","expected":"tcp/80 \u003c closed\u001b[31m","actual":"tcp/80 open"},{"rule":"a \"b\" \\ é","verdict":"Unknown","expected":"x","actual":"","fix":"start it"}]}`}}
			},
			code: 3, calls: []string{asked},
			said: []string{
				"denied: the machine does not comply", "  rule: no plain web", "    verdict: Fail", "    expected: tcp/80 < closed?[31m", "    actual: tcp/80 open",
				`  rule: a "b" \ ??`, "    verdict: Unknown", "    expected: x", "    fix: start it",
			},
		},
		{
			name: "no enrolled machine",
			setup: func(b *box) {
				b.asks = []reply{{403, `{"kind":"Denied","detail":"the caller is not the session of an enrolled machine"}`}}
			},
			code: 3, said: []string{"denied: the caller is not the session of an enrolled machine"}, calls: []string{asked},
		},
		{
			name:  "refused by the gateway at first",
			setup: func(b *box) { b.asks = []reply{{403, `{"message":"Signature expired"}`}, released} },
			out:   "/keyward-test-data is mounted", said: []string{"refused: Signature expired"},
			ran: []string{opens, mounts}, calls: []string{asked, asked, undone, "delivered"},
		},
		{
			name: "overload",
			setup: func(b *box) {
				b.asks = []reply{{429, `{"message":"Too Many Requests"}`}, {503, `{"kind":"Transient","detail":"busy"}`}, {409, `{"kind":"Conflict","detail":"somebody was quicker"}`}, released}
			},
			out:  "/keyward-test-data is mounted",
			said: []string{"asking for the key: HTTP 503 busy", "asking for the key: HTTP 409 somebody was quicker"},
			ran:  []string{opens, mounts}, calls: []string{asked, asked, asked, asked, undone, "delivered"},
		},
		{
			name:  "a request that is wrong",
			setup: func(b *box) { b.asks = []reply{{400, `{"kind":"Invalid","detail":"reading the key request"}`}} },
			code:  1, said: []string{"asking for the key: HTTP 400 reading the key request"}, calls: []string{asked},
		},
		{
			name:  "an answer without a key",
			setup: func(b *box) { b.asks = []reply{{200, `{"request":"b0","state":"Approved"}`}} },
			code:  1, said: []string{"reading the answer: it names no key or no machine"}, calls: []string{asked},
		},
		{
			name:  "no access to the key",
			setup: func(b *box) { b.kms = []reply{refusal(400, "AccessDeniedException")} },
			code:  5, said: []string{"unwrapping the volume's key: AccessDeniedException"}, calls: []string{asked, undone},
		},
		{
			name:  "a key that is disabled",
			setup: func(b *box) { b.kms = []reply{refusal(400, "com.amazonaws.kms#DisabledException")} },
			code:  5, said: []string{"unwrapping the volume's key: DisabledException"}, calls: []string{asked, undone},
		},
		{
			name: "KMS is throttled, and it asks again",
			setup: func(b *box) {
				b.kms = []reply{refusal(400, "ThrottlingException"), refusal(500, "KMSInternalException"), unwrapped}
			},
			out: "/keyward-test-data is mounted", ran: []string{opens, mounts}, calls: []string{asked, undone, asked, undone, asked, undone, "delivered"},
		},
		{
			name:  "another key",
			setup: func(b *box) { b.kms = []reply{{200, `{"Plaintext":"YW5vdGhlcg=="}`}} },
			code:  5, said: []string{"the key does not open " + "/data.img"}, ran: []string{opens}, calls: []string{asked, undone},
		},
		{
			name: "cryptsetup fails", setup: func(b *box) { b.write("nocrypt", "") },
			code: 1, said: []string{"opening /data.img: data is not open"}, ran: []string{opens}, calls: []string{asked, undone},
		},
		{
			name: "mount fails", setup: func(b *box) { b.write("nomount", "") },
			code: 1, said: []string{"mounting /keyward-test-data: it is not mounted"},
			ran: []string{opens, mounts, "cryptsetup close data"}, calls: []string{asked, undone},
		},
		{
			name:  "nobody hears that it was used",
			setup: func(b *box) { b.delivered = []reply{{503, `{"kind":"Transient","detail":"busy"}`}} },
			out:   "/keyward-test-data is mounted", said: []string{"Keyward was not told that the key was used: HTTP 503 busy"}, ran: []string{opens, mounts},
		},
		{
			name: "mounted already", setup: func(b *box) { b.opened(true) }, out: "/keyward-test-data is mounted already",
		},
		{
			name: "open already", setup: func(b *box) { b.opened(false) }, out: "/keyward-test-data is mounted", ran: []string{mounts},
		},
		{
			name: "open already, and mount fails",
			setup: func(b *box) {
				b.opened(false)
				b.write("nomount", "")
			},
			code: 1, said: []string{"mounting /keyward-test-data: it is not mounted"}, ran: []string{mounts},
		},
		{
			name:  "something else is mounted",
			setup: func(b *box) { b.write("proc/self/mountinfo", "9 1 8:2 / /keyward-test-data rw - ext4 /dev/sda2 rw\n") },
			code:  1, said: []string{"/keyward-test-data: something else is mounted there"},
		},
		{
			name: "a mapping that is no dm-crypt",
			setup: func(b *box) {
				b.opened(false)
				b.write("block/dm-3/dm/uuid", "LVM-0123\n")
			},
			code: 1, said: []string{"data is open and no dm-crypt mapping"},
		},
		{
			name: "a name that the kernel does not know", setup: func(b *box) { b.write("mapper/data", "") },
			code: 1, said: []string{"data is open and no dm-crypt mapping"},
		},
		{
			name: "a blob that is none", setup: func(b *box) { b.write("wrapped", "{}\n") },
			code: 2, said: []string{"/wrapped is not base64, expected the CiphertextBlob of the volume's key"},
		},
		{
			name: "nothing that says what is mounted", setup: func(b *box) { b.write("proc/self/mountinfo", "") },
			code: 1, said: []string{"/proc/self/mountinfo cannot be read, so nobody knows what is mounted"},
		},
	} {
		for _, i := range all {
			t.Run(c.name+"/"+i.name, func(t *testing.T) {
				t.Parallel()
				b := newBox(t)
				c.setup(b)
				e := i.run(b, "open")
				if e.code != c.code || e.out != c.out {
					t.Errorf("open = %d %q, want %d %q; it said %q", e.code, e.out, c.code, c.out, e.said)
				}
				b.told(e, c.said)
				if diff := cmp.Diff(c.ran, b.ran()); diff != "" {
					t.Errorf("ran (-want +got):\n%s", diff)
				}
				b.server.Close() // nothing is under way any more
				if diff := cmp.Diff(c.calls, b.calls); diff != "" && c.calls != nil {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				b.secretless()
			})
		}
	}
}

// told looks for lines in what was said, in their order: for their beginnings, since programs and systems say in their
// own words why something failed.
func (b *box) told(e ended, want []string) {
	b.t.Helper()
	at := 0
	for _, w := range want {
		i := slices.IndexFunc(e.said[at:], func(line string) bool { return strings.HasPrefix(strings.ReplaceAll(line, b.root, ""), w) })
		if i < 0 {
			b.t.Errorf("said %q, want %q in it", e.said, w)
			return
		}
		at += i + 1
	}
}

// opened is the state after an earlier run.
func (b *box) opened(mounted bool) {
	b.write("block/dm-3/dm/name", "data\n")
	b.write("block/dm-3/dm/uuid", "CRYPT-LUKS2-00-data\n")
	b.write("block/dm-3/dev", "254:3\n")
	b.write("mapper/data", "")
	if mounted {
		b.mounted("77 1 254:3 / /keyward-test-data rw shared:9 - ext4 /dev/mapper/data rw")
	}
}

func (b *box) mounted(lines ...string) {
	b.write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"+strings.Join(lines, "\n")+"\n")
}

func TestLock(t *testing.T) {
	t.Parallel()
	const umounts, closes = "umount /keyward-test-data", "cryptsetup close data"
	all := implementations(t)
	for _, c := range []struct {
		name  string
		setup func(b *box)
		code  int
		out   string
		said  []string
		ran   []string
	}{
		{name: "mounted", setup: func(b *box) { b.opened(true) }, out: "data is closed", ran: []string{"sync", umounts, closes}},
		{name: "open", setup: func(b *box) { b.opened(false) }, out: "data is closed", ran: []string{"sync", closes}},
		{name: "closed", setup: func(*box) {}, out: "data is closed already"},
		{
			name: "mounted over itself",
			setup: func(b *box) {
				b.opened(false)
				line := "77 1 0:44 / /keyward-test-data rw - btrfs " + b.path("mapper/data") + " rw"
				b.mounted(line, line)
			},
			out: "data is closed", ran: []string{"sync", umounts, umounts, closes},
		},
		{
			name: "in use",
			setup: func(b *box) {
				b.opened(true)
				b.write("busy", "")
				b.write("proc/4711/fd/.keep", "")
				if err := os.Symlink("/keyward-test-data/file", b.path("proc/4711/fd/3")); err != nil {
					b.t.Fatal(err)
				}
			},
			code: 6, said: []string{"still mounted: /keyward-test-data; held by processes 4711"}, ran: []string{"sync", umounts},
		},
		{
			name: "mounted elsewhere too",
			setup: func(b *box) {
				b.opened(false)
				b.mounted("78 1 254:3 /sub /srv/copy rw - ext4 /dev/mapper/data rw")
			},
			code: 6, said: []string{"still mounted: /srv/copy"}, ran: []string{"sync"},
		},
		{
			name: "held by the kernel",
			setup: func(b *box) {
				b.opened(true)
				b.write("held", "")
			},
			code: 6, said: []string{"closing data: it is still open"}, ran: []string{"sync", umounts, closes},
		},
		{
			name: "not written out",
			setup: func(b *box) {
				b.opened(true)
				b.write("nosync", "")
			},
			code: 6, said: []string{"writing out: "}, ran: []string{"sync"},
		},
		{
			name: "no dm-crypt",
			setup: func(b *box) {
				b.opened(false)
				b.write("block/dm-3/dm/uuid", "LVM-0123\n")
			},
			code: 6, said: []string{"data is open and no dm-crypt mapping"},
		},
		{
			name: "nothing that says what is open",
			setup: func(b *box) {
				if err := os.RemoveAll(b.path("block")); err != nil {
					b.t.Fatal(err)
				}
			},
			code: 6, said: []string{"/block cannot be read, so nobody knows what is open"},
		},
	} {
		for _, i := range all {
			t.Run(c.name+"/"+i.name, func(t *testing.T) {
				t.Parallel()
				b := newBox(t)
				c.setup(b)
				e := i.run(b, "lock")
				if e.code != c.code || e.out != c.out {
					t.Errorf("lock = %d %q, want %d %q; it said %q", e.code, e.out, c.code, c.out, e.said)
				}
				b.told(e, c.said)
				if diff := cmp.Diff(c.ran, b.ran()); diff != "" {
					t.Errorf("ran (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, i := range implementations(t) {
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			check := func(code int, out string) {
				t.Helper()
				if e := i.run(b, "status"); e.code != code || e.out != out {
					t.Errorf("status = %d %q, want %d %q", e.code, e.out, code, out)
				}
			}
			check(1, "data open: no; /keyward-test-data mounted: no")
			if e := i.run(b, "open"); e.code != 0 {
				t.Fatal(e)
			}
			check(0, "data open: yes; /keyward-test-data mounted: yes")
			b.mounted("9 1 8:2 / /keyward-test-data rw - ext4 /dev/sda2 rw")
			check(1, "data open: yes; /keyward-test-data mounted: other")
		})
	}
}

// A file is refused by both in the same words.
func TestConfig(t *testing.T) {
	t.Parallel()
	const good = "api = https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com\nregion = eu-central-1\ndevice = /dev/nvme1n1\nmapping = data\nwrapped = /etc/keyward/data.wrapped\nmount = /data\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{
			": api is missing, expected the URL of the machines' API: https, or http on loopback", ": region is missing, expected a Region such as eu-central-1",
			": device is missing, expected the absolute path of a LUKS device or file", ": mapping is missing, expected a name below /dev/mapper such as data",
			": wrapped is missing, expected the absolute path of a file with the CiphertextBlob in base64", ": mount is missing, expected the absolute path of a folder to mount on",
		}},
		{"no line", good + "\nhello\x1b there\n", []string{`:8: "hello? there" has no =, expected FIELD = VALUE or a comment that begins with #`}},
		{"no field", good + "colour = red\n", []string{`:7: "colour" is no field, expected one of api, region, device, mapping, wrapped, mount, type, options, wait`}},
		{"twice", good + "mount = /srv\n", []string{":7: mount is there again, expected it once, as in line 6"}},
		{"plain http", strings.Replace(good, "https:", "http:", 1), []string{
			`:1: api is "http://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com", expected the URL of the machines' API: https, or http on loopback`}},
		{"values", "api = https://x\nregion = here\ndevice = sda1\nmapping = ../data\nwrapped = a b\nmount = /\ntype = -t\noptions = -o\nwait = 15\n", []string{
			`:2: region is "here", expected a Region such as eu-central-1`, `:3: device is "sda1", expected the absolute path of a LUKS device or file`,
			`:4: mapping is "../data", expected a name below /dev/mapper such as data`, `:5: wrapped is "a b", expected the absolute path of a file with the CiphertextBlob in base64`,
			`:6: mount is "/", expected the absolute path of a folder to mount on`, `:7: type is "-t", expected a file system such as ext4`,
			`:8: options is "-o", expected mount options with commas between`, `:9: wait is "15", expected a whole number with s, m or h, such as 15m`,
		}},
		{"a command", good + "options = $(reboot)\nwait=99999999999h", []string{`:7: options is "$(reboot)", expected mount options with commas between`, `:8: wait is "99999999999h", expected a whole number with s, m or h, such as 15m`}},
	} {
		for _, i := range implementations(t) {
			t.Run(c.name+"/"+i.name, func(t *testing.T) {
				t.Parallel()
				b := newBox(t)
				b.write("unlock.conf", c.text)
				e := i.run(b, "open")
				var want []string
				for _, w := range c.want {
					want = append(want, b.path("unlock.conf")+w)
				}
				if diff := cmp.Diff(want, e.said); diff != "" || e.code != 2 {
					t.Errorf("code %d, said (-want +got):\n%s", e.code, diff)
				}
				if len(b.calls) > 0 || len(b.ran()) > 0 {
					t.Errorf("it did something all the same: %v %v", b.calls, b.ran())
				}
			})
		}
	}
}

// What the script alone reads: its arguments, its environment, its programs.
func TestScript(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		setup func(b *box)
		args  string
		want  ended
	}{
		{"an unknown word", func(*box) {}, "reopen", ended{2, "", []string{"unknown argument: reopen; usage: keyward-unlock [--config FILE] [--wait TIME] [open|lock|status]"}}},
		{"a wait", func(*box) {}, "open --wait soon", ended{2, "", []string{`--wait is "soon", expected a whole number with s, m or h, such as 15m`}}},
		{"a wait that is over", func(b *box) { b.asks = []reply{pending} }, "--wait 00s", ended{4, "", []string{"pending: waits for a person", "gave up after 0 s: waits for a person"}}},
		{"no file", func(*box) {}, "--config /nowhere/unlock.conf", ended{2, "", []string{"/nowhere/unlock.conf cannot be read, expected the file that says what to open"}}},
		{"no cryptsetup", func(b *box) { os.Remove(b.path("bin/cryptsetup")) }, "", ended{2, "", []string{"cryptsetup is missing, expected it in /bin"}}},
		{"an old curl", func(b *box) { b.fake("curl", "echo curl 7.81.0 x") }, "", ended{2, "", []string{"curl is 7.81.0, expected 7.87 or later, which signs all headers for AWS; keyward unlock does without"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			c.setup(b)
			got := b.execute([]string{"sh"}, strings.Fields(c.args)...)
			for n, line := range got.said {
				got.said[n] = strings.ReplaceAll(line, b.root, "")
			}
			if diff := cmp.Diff(fmt.Sprint(c.want), fmt.Sprint(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
