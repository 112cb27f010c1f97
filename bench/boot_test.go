package bench_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/record"
)

// bootIn is the time in which all machines of a fleet start and ask, as after an outage.
const bootIn = 10 * time.Second

// sharedKeyPolicy leaves the use of the key to grants: docs/keys.md.
const sharedKeyPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},
"Action":["kms:Describe*","kms:Get*","kms:List*","kms:CreateGrant","kms:RevokeGrant","kms:TagResource","kms:PutKeyPolicy"],"Resource":"*"}]}`

// answered is one answer to a key request.
type answered struct {
	status int
	grant  string
	took   time.Duration
}

// BenchmarkBoot is 1,000 machines that ask for their keys within ten seconds. Each has to be given a grant of its own:
// they comply, and they were inspected just now.
func BenchmarkBoot(b *testing.B) {
	built(b, "build", "RequestFunction", "bootstrap")
	var all []answered
	for b.Loop() {
		b.StopTimer()
		f := startFleet(b, loadGuest(b, plainServer), nil)
		f.enrol(b)
		f.check(b)
		f.giveKey(b)
		b.StartTimer()
		all = f.boot(b)
		b.StopTimer()
		f.close(b)
		b.StartTimer()
	}
	var took []time.Duration
	statuses, grants := map[int]int{}, map[string]bool{}
	for _, a := range all {
		took = append(took, a.took)
		statuses[a.status]++
		grants[a.grant] = true
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100] }
	b.ReportMetric(at(99).Seconds(), "p99-s")
	said := fmt.Sprintf("%d of %d were given a key", statuses[http.StatusOK], len(all))
	figures.took("requests of 1000 machines in 10 s: p50", at(50), 0, said)
	figures.took("requests of 1000 machines in 10 s: p99", at(99), 0, fmt.Sprintf("longest %s", short(at(100))))
	if statuses[http.StatusOK] != len(all) || len(grants) != len(all) {
		b.Errorf("answers by status: %v, %d grant tokens; want 200 and a token of its own for each of %d", statuses, len(grants), len(all))
	}
}

// giveKey makes one guarded key and binds every machine to it.
func (f *fleet) giveKey(b *testing.B) {
	b.Helper()
	out, err := kms.NewFromConfig(f.config).CreateKey(b.Context(), &kms.CreateKeyInput{
		Policy: aws.String(sharedKeyPolicy), Tags: []types.Tag{{TagKey: aws.String("keyward:guarded"), TagValue: aws.String("true")}},
	})
	if err != nil {
		b.Fatal(err)
	}
	machines, err := f.store.Machines(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range machines {
		m.Key.ARN = aws.ToString(out.KeyMetadata.Arn)
		if _, err := f.store.Apply(b.Context(), store.Change{Machine: m, At: f.server.Clock().Now()}); err != nil {
			b.Fatal(err)
		}
	}
}

// boot has every machine ask once, evenly over bootIn, each as its own session.
func (f *fleet) boot(b *testing.B) []answered {
	b.Helper()
	all := make([]answered, fleetSize)
	var asking sync.WaitGroup
	begin := time.Now()
	for n := range all {
		time.Sleep(time.Until(begin.Add(bootIn * time.Duration(n) / fleetSize)))
		asking.Go(func() {
			var err error
			if all[n], err = f.ask(b.Context(), fleetID(n)); err != nil {
				b.Error(err)
			}
		})
	}
	asking.Wait()
	return all
}

func (f *fleet) ask(ctx context.Context, id string) (a answered, err error) {
	key, err := f.server.MachineCredentials(id)
	if err != nil {
		return a, err
	}
	body := fmt.Appendf(nil, `{"bootId":"0b5d6d1e-9f5c-4a1b-8f5e-%s"}`, id[len(id)-12:])
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.server.API("MachineApi")+"/v1/key-requests", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	sum := sha256.Sum256(body)
	signer := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, signer, r, hex.EncodeToString(sum[:]), "execute-api", f.server.Region(), time.Now()); err != nil {
		return a, err
	}
	begin := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	a = answered{status: answer.StatusCode, took: time.Since(begin)}
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	var given record.Release
	err = json.Unmarshal(text, &given)
	a.grant = given.GrantToken
	return a, err
}
