package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// setup is what a scenario chooses; the zero value is one machine, revoke-grant, an hour of grace.
type setup struct {
	mode      policy.Mode
	key       string            // more of the policy's integrity.key, such as "lock: true"
	integrity string            // more lines of the policy's integrity, such as "restore: manual"
	requests  string            // of the policy's requests
	build     string            // folder of the programs; built when empty
	data      string            // folder that keeps the state
	atOnce    int               // programs of one function that run at once; 1 when zero
	contact   string            // of the account; keyward local's when empty
	sweep     string            // rate of the sweep; every 5 minutes when empty
	others    []local.Machine   // beside the machine
	limits    map[string]string // parameters of the breakers
	tags      map[string]string // of the key, when they are not those of a guarded one
	drill     bool              // fire drills are switched on
	windows   bool              // the machine's system
	rules     string            // more of the policy's rules
	private   bool              // the machines' API is the private REST API
	at        time.Time         // when the story begins; as every other one when zero
	schedule  string            // the policy's, such as {daily: "04:30", timeZone: Europe/Berlin}
	template  string            // of the stack; the project's when empty
}

const grace = time.Hour

// volumes are the machine's: its system and its data.
var volumes = []ec2.Volume{
	{ID: "vol-0123456789abcdef0", Device: "/dev/xvda", GiB: 8, Type: "gp3", Root: true},
	{ID: "vol-0123456789abcdef1", Device: "/dev/sdf", GiB: 100, Type: "gp3"},
}

// guarded are the tags of machines and keys that Keyward may act on.
var guarded = map[string]string{"keyward:guarded": "true"}

func (s setup) policy() string {
	more := ""
	for line := range strings.Lines(s.integrity) {
		more += "  " + strings.TrimSpace(line) + "\n"
	}
	return fmt.Sprintf(`policy: web
machines: {ids: [%s, %s]}
%srules:
  - rule: no plain web
    ports: {closed: [tcp/%d]}
    fix: Stop the service%s
requests: {%s}
integrity:
  onFail: revoke
  grace: 1h
  settle: 0s
%s  key: {mode: %s%s}
notify: {to: [ops@example.com]}
`, machineID, otherID, s.scheduled(), port, s.rules, or(s.requests, "onPass: approve, onFail: deny, onUnknown: hold"), more, or(s.mode, policy.RevokeGrant), s.withKey())
}

func (s setup) scheduled() string {
	if s.schedule == "" {
		return ""
	}
	return "schedule: " + s.schedule + "\n"
}

func (s setup) withKey() string {
	if s.key == "" {
		return ""
	}
	return ", " + s.key
}

func or[T ~string](s, instead T) T {
	if s == "" {
		return instead
	}
	return s
}

// world is a running place with one machine in it.
type world struct {
	*local.Server
	t     *testing.T
	setup setup
	guest *guest

	operator, machine caller
	store             *store.Store
	keys, own         *kms.Client // as the operator and as the machine
	keyARN            string
	data              []byte // a data key of the machine, as KMS wrapped it
}

// begin starts a place whose machine is enrolled, found in order and has its key.
func begin(t *testing.T, s setup) *world {
	t.Helper()
	w := empty(t, s)
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", s.policy(), nil)
	w.enrol(machineID)
	w.check()
	w.wantStanding("Good")
	w.release()
	return w
}

// empty starts a place with the machine in its inventory and nothing else.
func empty(t *testing.T, s setup) *world {
	t.Helper()
	w := &world{t: t, setup: s, guest: &guest{rest: newRest()}}
	if s.windows {
		w.guest.be(server{})
	}
	w.start()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// Every story begins at the same hour of a Tuesday, whenever it is told.
var (
	loaded  = time.Now()
	tuesday = nextTuesday(loaded.UTC())
)

// started is the virtual time of a place that was not moved forward.
func started() time.Time { return tuesday.Add(time.Since(loaded)) }

func nextTuesday(t time.Time) time.Time {
	day := t.Truncate(24 * time.Hour)
	return day.AddDate(0, 0, 1+int(time.Tuesday-day.AddDate(0, 0, 1).Weekday()+7)%7).Add(9*time.Hour + 30*time.Minute)
}

func (w *world) start() {
	w.t.Helper()
	parameters := map[string]string{"Drill": "off"} // its mails and calls are no part of a machine's story
	if w.setup.drill {
		parameters["Drill"] = "on"
		parameters["DrillSchedule"] = "cron(0 11 * * ? 2099)" // a scenario begins its drills itself
	}
	if w.setup.sweep != "" {
		parameters["SweepRate"] = w.setup.sweep
	}
	maps.Copy(parameters, w.setup.limits)
	machines := "MachineApi"
	if w.setup.private {
		machines, parameters["MachineApiVpcEndpoints"] = "PrivateMachineApi", "vpce-0123456789abcdef0"
	}
	if w.setup.contact != "" {
		parameters["AccountContact"] = w.setup.contact
	}
	at := w.setup.at
	if at.IsZero() {
		at = tuesday
	}
	platform := "Linux"
	if w.setup.windows {
		platform = "Windows"
	}
	var err error
	w.Server, err = local.Start(context.Background(), local.Options{
		Template: or(w.setup.template, filepath.Join("..", "template.yaml")), Build: or(w.setup.build, built), Addr: "127.0.0.1:0",
		DataDir: w.setup.data, Parameters: parameters, Concurrency: max(w.setup.atOnce, 1), Ahead: at.Sub(loaded),
		Machines: append([]local.Machine{{ID: machineID, Answer: w.guest.answer, Tags: guarded, Volumes: volumes, Platform: platform}}, w.setup.others...),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	place := w.Server
	w.t.Cleanup(func() { gather(place) })
	session, err := w.MachineCredentials(machineID)
	if err != nil {
		w.t.Fatal(err)
	}
	person := provider(w.Credentials())
	w.operator = caller{t: w.t, base: w.API("PeopleApi"), region: w.Region(), key: person}
	w.machine = caller{t: w.t, base: w.API(machines), region: w.Region(), key: provider(session)}
	w.keys, w.own = w.kms(person), w.kms(provider(session))
	w.store = store.New(aws.Config{Region: w.Region(), BaseEndpoint: aws.String(w.URL()), Credentials: person}, w.Status().Outputs["TableName"], local.Account, w.Region())
	w.guest.take(w.recorded)
}

// recorded says whether the store knows the command with this nonce.
func (w *world) recorded(nonce string) bool {
	open, err := w.store.OpenCommands(context.Background())
	return err != nil || slices.ContainsFunc(open, func(c record.Command) bool { return c.Nonce == nonce })
}

func (w *world) kms(k aws.CredentialsProvider) *kms.Client {
	return kms.New(kms.Options{Region: w.Region(), Credentials: k, BaseEndpoint: aws.String(w.URL())})
}

const keyPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Administration","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},
"Action":["kms:Describe*","kms:Get*","kms:List*","kms:Enable*","kms:Disable*","kms:CreateGrant","kms:RevokeGrant","kms:TagResource","kms:UntagResource","kms:PutKeyPolicy"],"Resource":"*"}%s]}`

const admission = `,{"Sid":"ThisMachineAlone","Effect":"Allow","Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/keyward-machine/%s"},
"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}`

func (w *world) createKey() { w.t.Helper(); w.createKeyOf(machineID) }

// createKeyOf makes the key of a machine: with disable-key its policy admits that one.
func (w *world) createKeyOf(machine string) {
	w.t.Helper()
	text := fmt.Sprintf(keyPolicy, "")
	if w.setup.mode == policy.DisableKey {
		text = fmt.Sprintf(keyPolicy, fmt.Sprintf(admission, machine))
	}
	in := &kms.CreateKeyInput{Policy: &text}
	tags := w.setup.tags
	if tags == nil {
		tags = guarded
	}
	for k, v := range tags {
		in.Tags = append(in.Tags, types.Tag{TagKey: &k, TagValue: &v})
	}
	out, err := w.keys.CreateKey(context.Background(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.keyARN = aws.ToString(out.KeyMetadata.Arn)
}

func enrolment(w *world) record.Enrolment {
	return record.Enrolment{
		Name: "shop", Owner: "owner@example.com", Policy: "web", Key: w.keyARN, Role: "arn:aws:iam::123456789012:role/keyward-machine",
	}
}

func (w *world) enrol(id string) {
	w.t.Helper()
	w.operator.must("PUT", "/v1/machines/"+id, enrolment(w), nil)
}

// ask is the machine's request for its key.
func (w *world) ask() (int, record.Release) {
	w.t.Helper()
	var r record.Release
	status, _ := w.machine.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, &r)
	return status, r
}

// release has the machine ask for its key and make a data key with it.
func (w *world) release() {
	w.t.Helper()
	status, r := w.ask()
	if status != http.StatusOK {
		w.t.Fatalf("the machine asked for its key: %d %s", status, r.Reason)
	}
	in := &kms.GenerateDataKeyInput{KeyId: &w.keyARN, KeySpec: types.DataKeySpecAes256, EncryptionContext: r.EncryptionContext}
	if r.GrantToken != "" {
		in.GrantTokens = []string{r.GrantToken}
	}
	out, err := w.own.GenerateDataKey(context.Background(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.data = out.CiphertextBlob
}

var encryptionContext = map[string]string{"keyward:machine": machineID}

// decrypt has KMS unwrap the machine's data key; "" means that it did, else it is KMS's error code.
func (w *world) decrypt(as *kms.Client, tokens ...string) string {
	w.t.Helper()
	_, err := as.Decrypt(context.Background(), &kms.DecryptInput{
		CiphertextBlob: w.data, KeyId: &w.keyARN, EncryptionContext: encryptionContext, GrantTokens: tokens,
	})
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		w.t.Fatal(err)
		return ""
	}
}
