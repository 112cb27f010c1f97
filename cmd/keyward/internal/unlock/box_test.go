package unlock_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/unlock"
	"github.com/keyward/keyward/shared/aws/kmskey/unwrap"
)

const script = "../../../../scripts/machine/keyward-unlock"

// AWS's documented examples, and a passphrase with a byte of every kind that a shell could lose.
const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	token     = "AQoDYXdzEJr1K+EXAMPLE/TOKEN=="
	key       = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

var passphrase = []byte("\x00\n$(x) '\"\\\xff%s\r\t key of 32 bytes")

// reply is one answer of the stand-in.
type reply struct {
	status int
	body   string
}

// box is a machine made of files: no mapping or mount of this host is touched. Its server is the metadata service,
// the machines' API and KMS at once, and answers what a test wants.
type box struct {
	t      *testing.T
	root   string
	server *httptest.Server

	mu        sync.Mutex
	asks      []reply // in turn, the last one stays
	kms       []reply
	delivered []reply
	calls     []string // what was asked of the server
	document  reply    // the signed identity document
}

var (
	released = reply{200, `{"request":"b0","state":"Approved","reason":"the machine complies","keyArn":"` + key +
		`","encryptionContext":{"keyward:machine":"i-1234567890abcdef0"},"grantToken":"AQpAM2Rh+/=="}`}
	pending   = reply{202, `{"request":"b0","state":"Pending","reason":"waits for a person"}`}
	unwrapped = reply{200, `{"EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyId":"` + key + `","Plaintext":"` + base64.StdEncoding.EncodeToString(passphrase) + `"}`}
)

func newBox(t *testing.T) *box {
	t.Helper()
	root, err := os.MkdirTemp("", "keyward-box-") // t.TempDir names it with characters that no path of a machine has
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	b := &box{t: t, root: root, asks: []reply{released}, kms: []reply{unwrapped}, delivered: []reply{{200, `{"request":"b0","state":"Delivered"}`}}, document: reply{404, ""}}
	b.server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.server.Close)
	for _, name := range []string{"awk", "base64", "cat", "cksum", "date", "ls", "mkdir", "mv", "rm", "sha256sum", "tr"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		b.write("bin/.keep", "")
		if err := os.Symlink(path, b.path("bin/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(passphrase)
	b.fake("curl", `exec `+curl+` "$@"`)
	b.fake("sleep", "")
	b.fake("sync", `[ ! -e "$R/nosync" ]`)
	b.fake("cryptsetup", `case $1 in
open) [ ! -e "$R/nocrypt" ] || exit 4
  [ "$(sha256sum)" = "`+hex.EncodeToString(sum[:])+`  -" ] || exit 2
  for n; do :; done
  mkdir -p "$R/block/dm-3/dm"; echo "$n" >"$R/block/dm-3/dm/name"; echo "CRYPT-LUKS2-00-$n" >"$R/block/dm-3/dm/uuid"
  echo 254:3 >"$R/block/dm-3/dev"; echo >"$R/mapper/$n";;
close) [ ! -e "$R/held" ] || exit 5
  rm -r "$R/block/dm-3" "$R/mapper/$2";;
esac`)
	b.fake("mount", `[ ! -e "$R/nomount" ] || exit 32
for n; do :; done
echo "77 1 254:3 / $n rw,relatime shared:9 - ext4 /dev/mapper/data rw" >>"$R/proc/self/mountinfo"`)
	b.fake("umount", `[ ! -e "$R/busy" ] || exit 32
awk -v t="$1" '{ l[NR] = $0; if ($5 == t) last = NR } END { for (i = 1; i <= NR; i++) if (i != last) print l[i] }' "$R/proc/self/mountinfo" >"$R/m"
mv "$R/m" "$R/proc/self/mountinfo"`)
	b.write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
	b.write("proc/sys/kernel/random/boot_id", "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10\n")
	b.write("proc/sys/kernel/random/uuid", "01234567-89ab-cdef-0123-456789abcdef\n")
	b.write("block/sda/dev", "8:0\n")
	b.write("mapper/control", "")
	b.write("wrapped", base64.StdEncoding.EncodeToString([]byte("wrapped by KMS"))+"\n")
	b.write("data.img", "")
	b.configure("")
	return b
}

func (b *box) path(name string) string { return filepath.Join(b.root, name) }

func (b *box) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// fake is a program of the box. It writes down its arguments, and its environment apart.
func (b *box) fake(name, body string) {
	b.t.Helper()
	text := fmt.Sprintf("#!/bin/sh\nR=%s PATH=/usr/bin:/bin\nprintf '%%s\\n' \"%s $*\" >>\"$R/ran\"; cat /proc/self/environ >>\"$R/environ\"\n%s\n", b.root, name, body)
	b.write("bin/"+name, text)
	if err := os.Chmod(b.path("bin/"+name), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) configure(more string) {
	b.write("unlock.conf", "# what to open\napi = "+b.server.URL+"/api\nregion=us-east-1\n device = "+b.path("data.img")+"\nmapping = data\nwrapped = "+b.path("wrapped")+
		"\nmount = /keyward-test-data\n"+more)
}

func next(replies *[]reply) reply {
	r := (*replies)[0]
	if len(*replies) > 1 {
		*replies = (*replies)[1:]
	}
	return r
}

func (b *box) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var body bytes.Buffer
	body.ReadFrom(r.Body)
	a := reply{404, ""}
	signed := func(service string) bool {
		auth := r.Header.Get("Authorization")
		return strings.Contains(auth, "Credential="+accessKey+"/") && strings.Contains(auth, "/us-east-1/"+service+"/aws4_request") &&
			strings.Contains(auth, "x-amz-security-token") && r.Header.Get("X-Amz-Security-Token") == token
	}
	switch path := r.Method + " " + r.URL.Path; {
	case path == "PUT /latest/api/token" && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
		a = reply{200, "metadata-session"}
	case strings.HasPrefix(path, "GET /latest/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") != "metadata-session":
		a = reply{401, ""}
	case path == "GET /latest/meta-data/iam/security-credentials/":
		a = reply{200, "web"}
	case path == "GET /latest/meta-data/iam/security-credentials/web":
		a = reply{200, fmt.Sprintf("{\n  \"Code\" : \"Success\",\n  \"AccessKeyId\" : %q,\n  \"SecretAccessKey\" : %q,\n  \"Token\" : %q\n}", accessKey, secret, token)}
	case path == "GET /latest/dynamic/instance-identity/rsa2048":
		a = b.document
	case path == "POST /api/v1/key-requests" && signed("execute-api"):
		b.calls = append(b.calls, "ask "+body.String())
		a = next(&b.asks)
	case path == "POST /api/v1/key-requests/b0/delivered" && signed("execute-api"):
		b.calls = append(b.calls, "delivered")
		a = next(&b.delivered)
	case path == "POST /" && signed("kms") && r.Header.Get("X-Amz-Target") == "TrentService.Decrypt":
		var in any
		if err := json.Unmarshal(body.Bytes(), &in); err != nil {
			b.t.Errorf("KMS is asked %q: %v", body.String(), err)
		}
		text, _ := json.Marshal(in) // in the order of names
		b.calls = append(b.calls, "decrypt "+string(text))
		a = next(&b.kms)
	default:
		b.calls = append(b.calls, "refused "+path)
	}
	if a.status >= 400 && strings.HasPrefix(a.body, `{"__type"`) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// ended is how a run ended: its code, what it printed, and what it said without the program's name.
type ended struct {
	code int
	out  string
	said []string
}

// implementation runs an action on a box.
type implementation struct {
	name string
	run  func(b *box, action string) ended
}

// implementations are the program in Go and the script under each shell of this host that a machine may have.
func implementations(t *testing.T) []implementation {
	t.Helper()
	all := []implementation{{"go", inGo}}
	for i, shell := range [][]string{{"dash"}, {"busybox", "sh"}, {"bash", "--posix"}} {
		if _, err := exec.LookPath(shell[0]); err == nil && (i < 2 || len(all) == 1) {
			all = append(all, implementation{shell[0], inShell(shell)})
		}
	}
	if len(all) == 1 {
		t.Fatal("no shell is installed: expected dash, busybox or bash")
	}
	return all
}

func inGo(b *box, action string) ended {
	text, err := os.ReadFile(b.path("unlock.conf"))
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := unlock.ParseConfig(b.path("unlock.conf"), string(text))
	if err != nil {
		return ended{code: unlock.Invalid, said: strings.Split(err.Error(), "\n")}
	}
	who := credentials.NewStaticCredentialsProvider(accessKey, secret, token)
	var e ended
	v := &unlock.Volume{
		Config: c, Disk: unlock.Disk{Proc: b.path("proc"), Block: b.path("block"), Mapper: b.path("mapper")},
		API: people.New(c.API, c.Region, who), Keys: unwrap.New(aws.Config{
			Region: c.Region, BaseEndpoint: &b.server.URL, Credentials: who, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}),
		Programs: func(ctx context.Context, stdin []byte, name string, args ...string) error {
			return unlock.Run(ctx, stdin, b.path("bin/"+name), args...)
		},
		Say:      func(line string) { e.said = append(e.said, line) },
		Document: unlock.Documents(metadataConfig(b)),
	}
	v.Hurry(time.Millisecond)
	switch action {
	case "open":
		e.out, err = v.Open(b.t.Context())
	case "lock":
		e.out, err = v.Lock(b.t.Context())
	case "status":
		e.out, err = v.Status()
	}
	if err != nil {
		var p *unlock.Problem
		if !errors.As(err, &p) {
			b.t.Fatalf("%v is no problem with a code", err)
		}
		e.code, e.said = p.Code, append(e.said, strings.Split(err.Error(), "\n")...)
	}
	for i, line := range e.said { // the command line prints it harmless, in a way of its own
		e.said[i] = unlock.Shown(line)
	}
	return e
}

// metadataConfig leads to the box's metadata service, as the environment does.
func metadataConfig(b *box) aws.Config {
	e, err := config.NewEnvConfig()
	if err != nil {
		b.t.Fatal(err)
	}
	e.EC2IMDSEndpoint, e.EC2IMDSClientEnableState = b.server.URL, imds.ClientEnabled
	return aws.Config{ConfigSources: []any{e}}
}

func inShell(shell []string) func(b *box, action string) ended {
	return func(b *box, action string) ended { return b.execute(shell, action) }
}

// execute runs the script, with the places of the box in it.
func (b *box) execute(shell []string, args ...string) ended {
	b.t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		b.t.Fatal(err)
	}
	first := "PATH=" + b.path("bin") + ";"
	if shell[0] == "busybox" { // it may prefer programs of its own, which functions go before
		for _, name := range []string{"mount", "umount", "sync", "sleep"} {
			first += fmt.Sprintf(" %s() { %s \"$@\"; };", name, b.path("bin/"+name))
		}
	}
	t := replaced(b.t, string(text), "PATH=/usr/sbin:/usr/bin:/sbin:/bin;", first)
	t = replaced(b.t, t, "PROC=/proc; BLOCK=/sys/class/block; MAPPER=/dev/mapper", fmt.Sprintf("PROC=%[1]s/proc; BLOCK=%[1]s/block; MAPPER=%[1]s/mapper", b.root))
	t = replaced(b.t, t, "CONFIG=/etc/keyward/unlock.conf", "CONFIG="+b.path("unlock.conf"))
	b.write("keyward-unlock", t)
	c := exec.CommandContext(b.t.Context(), shell[0], append(append(shell[1:len(shell):len(shell)], b.path("keyward-unlock")), args...)...)
	c.Dir = b.root
	c.Env = []string{"AWS_ENDPOINT_URL=" + b.server.URL, "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + b.server.URL, "HOME=" + b.root}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	e := ended{code: c.ProcessState.ExitCode(), out: strings.TrimSuffix(out.String(), "\n")}
	for line := range strings.Lines(errs.String()) {
		if line, own := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "keyward-unlock: "); own {
			e.said = append(e.said, line)
		}
	}
	return e
}

func replaced(t *testing.T, text, old, new string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("the script has %q %d times, want it once", old, strings.Count(text, old))
	}
	return strings.Replace(text, old, new, 1)
}

// ran are the programs that changed something, since the box was made.
func (b *box) ran() []string {
	text, err := os.ReadFile(b.path("ran"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(strings.ReplaceAll(line, b.root, "")); !strings.HasPrefix(line, "curl ") && !strings.HasPrefix(line, "sleep ") {
			all = append(all, line)
		}
	}
	return all
}

// secretless fails when a secret is in a file of the box: arguments and environments of programs are in one.
func (b *box) secretless() {
	b.t.Helper()
	encoded := base64.StdEncoding.EncodeToString(passphrase)
	err := filepath.WalkDir(b.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, s := range []string{string(passphrase), encoded, secret, token} {
			if bytes.Contains(text, []byte(s)) {
				b.t.Errorf("%s has a secret in it", strings.TrimPrefix(path, b.root))
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}
