package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/local"
)

// world is the machine, the place that is its AWS, and what was found to be wrong.
type world struct {
	ctx      context.Context
	guest    *guest
	place    *local.Server
	judge    *http.Server
	keys     *kms.Client
	key      string // the machine's, guarded
	problems []string
}

// begin starts the place and boots the machine.
func begin(ctx context.Context, folder string) (*world, error) {
	w := &world{ctx: ctx, guest: &guest{folder: folder, jobs: make(chan string), wait: map[int]chan done{}}}
	place, err := local.Start(ctx, local.Options{
		Template: "template.yaml", Build: "build", Addr: "127.0.0.1:0",
		Machines: []local.Machine{{ID: local.HostMachine, Tags: map[string]string{"keyward:guarded": "true"}, Answer: w.answer}},
	})
	if err != nil {
		return nil, err
	}
	w.place = place
	k := place.Credentials()
	w.keys = kms.New(kms.Options{
		Region: place.Region(), BaseEndpoint: aws.String(place.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.end()
		return nil, fmt.Errorf("listening for the machine: %w", err)
	}
	w.judge = &http.Server{Handler: w.routes()}
	go w.judge.Serve(listener) // until end
	at, err := url.Parse(place.URL())
	if err == nil {
		var address *net.TCPAddr
		if address, err = net.ResolveTCPAddr("tcp", at.Host); err == nil {
			err = w.guest.start(listener.Addr(), address)
		}
	}
	if err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

func (w *world) end() {
	w.guest.stop()
	if w.judge != nil {
		w.judge.Close()
	}
	if err := w.place.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// routes are the metadata service, version 2, and the jobs of the machine.
func (w *world) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /judge/job", w.guest.serveJob)
	m.HandleFunc("POST /judge/done", w.guest.serveDone)
	m.HandleFunc("PUT /latest/api/token", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
		fmt.Fprint(rw, "session")
	})
	metadata := func(answer func(rw http.ResponseWriter)) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "session" {
				http.Error(rw, "", http.StatusUnauthorized)
				return
			}
			answer(rw)
		}
	}
	m.HandleFunc("GET /latest/meta-data/iam/security-credentials/{$}", metadata(func(rw http.ResponseWriter) { fmt.Fprint(rw, local.MachineRole) }))
	m.HandleFunc("GET /latest/meta-data/iam/security-credentials/"+local.MachineRole, metadata(func(rw http.ResponseWriter) {
		k, err := w.place.MachineCredentials(local.HostMachine)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(rw, `{"Code": "Success", "AccessKeyId": %q, "SecretAccessKey": %q, "Token": %q, "Expiration": %q}`,
			k.AccessKeyID, k.SecretAccessKey, k.SessionToken, time.Now().Add(6*time.Hour).UTC().Format(time.RFC3339))
	}))
	return m
}

// answer has the machine run the script of a document really, and is what it printed.
func (w *world) answer(_ string, parameters map[string][]string) string {
	one := map[string]string{}
	for name, values := range parameters {
		one[name] = strings.Join(values, ",")
	}
	var script string
	var err error
	if one["Action"] != "" {
		script, err = documents.RenderLock(one)
	} else {
		var ask []string
		if one["Ask"] != documents.NothingAsked && one["Ask"] != "" {
			ask = strings.Split(one["Ask"], ",")
		}
		script, err = documents.Render(one["Nonce"], strings.Split(one["Collect"], ","), ask...)
	}
	if err != nil {
		return err.Error()
	}
	_, out, err := w.guest.run(w.ctx, script)
	if err != nil {
		return err.Error()
	}
	return out
}

// is notes a problem when something is not as it should be.
func (w *world) is(what string, got, want any) {
	if g, v := strings.TrimSpace(fmt.Sprint(got)), fmt.Sprint(want); g != v {
		w.problems = append(w.problems, fmt.Sprintf("%s: %q, want %q", what, g, v))
	}
}

// has notes a problem when a text lacks something.
func (w *world) has(what, text, part string) {
	if !strings.Contains(text, part) {
		w.problems = append(w.problems, fmt.Sprintf("%s: %q, want %q in it", what, strings.TrimSpace(text), part))
	}
}

// ends notes a problem when a script does not end with a code in the machine, and returns what it printed.
func (w *world) ends(code int, script string) (string, error) {
	got, out, err := w.guest.run(w.ctx, script)
	if err == nil && got != code {
		w.problems = append(w.problems, fmt.Sprintf("%.70q ended with %d, want %d: %s", script, got, code, strings.TrimSpace(out)))
	}
	return out, err
}

// must runs a script that has to succeed, or the story cannot go on.
func (w *world) must(script string) (string, error) {
	code, out, err := w.guest.run(w.ctx, script)
	if err == nil && code != 0 {
		err = fmt.Errorf("%.70q ended with %d: %s", script, code, strings.TrimSpace(out))
	}
	return strings.TrimSpace(out), err
}

// person runs the command line with a person's credentials, and is what it printed. Its exit code has to be that.
func (w *world) person(code int, args ...string) (string, error) {
	k := w.place.Credentials()
	c := exec.CommandContext(w.ctx, "bin/keyward", args...)
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "AWS_REGION=" + w.place.Region(), "AWS_ENDPOINT_URL=" + w.place.URL(), "AWS_ACCESS_KEY_ID=" + k.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + k.SecretAccessKey, "AWS_SESSION_TOKEN=" + k.SessionToken, "KEYWARD_API_URL=" + w.place.API("PeopleApi"),
		"KEYWARD_LOCAL_URL=" + w.place.URL(), "KEYWARD_LOCAL_TOKEN=" + w.place.Token(),
	}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", fmt.Errorf("running keyward %s: %w", strings.Join(args, " "), err)
	}
	if got := c.ProcessState.ExitCode(); got != code {
		return "", fmt.Errorf("keyward %s ended with %d, want %d: %s", strings.Join(args, " "), got, code, out)
	}
	return string(out), nil
}

// known is what both sides know when a story cannot go on: Keyward of the machine, and the machine of its unit.
func (w *world) known() string {
	var b strings.Builder
	for _, args := range [][]string{{"request", "show", machine}, {"machine", "show", machine}, {"machine", "ledger", machine}} {
		out, err := w.person(0, args...)
		fmt.Fprintf(&b, "keyward %s:\n%s", strings.Join(args, " "), out)
		if err != nil {
			fmt.Fprintln(&b, err)
		}
	}
	_, out, err := w.guest.run(w.ctx, "systemctl --no-pager status keyward-unlock.service app.service; journalctl --no-pager -b -u keyward-unlock.service -n 40; date -u")
	fmt.Fprintf(&b, "the machine:\n%s", out)
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// dataKey is a passphrase of the machine's key, and the same as KMS wrapped it; both in base64.
func (w *world) dataKey() (plain, wrapped string, err error) {
	out, err := w.keys.GenerateDataKey(w.ctx, &kms.GenerateDataKeyInput{
		KeyId: &w.key, KeySpec: types.DataKeySpecAes256, EncryptionContext: map[string]string{"keyward:machine": local.HostMachine},
	})
	if err != nil {
		return "", "", fmt.Errorf("making a data key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(out.Plaintext), base64.StdEncoding.EncodeToString(out.CiphertextBlob), nil
}
