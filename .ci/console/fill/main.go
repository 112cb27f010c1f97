// Command fill writes machines and key requests into the table of a running keyward local, as the functions would: it is
// how ten thousand machines come into being without ten thousand calls of the API. Usage: fill TABLE MACHINES.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func main() {
	if err := fill(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

const account = "123456789012" // of keyward local

func fill(ctx context.Context, table, count string) error {
	machines, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	s := store.New(cfg, table, account, cfg.Region)
	const atOnce = 8
	places, problems := make(chan struct{}, atOnce), make(chan error, machines)
	var all sync.WaitGroup
	now := time.Now().UTC()
	for n := range machines {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			problems <- one(ctx, s, n, now)
		})
	}
	all.Wait()
	close(problems)
	for err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}

// one writes a machine; each thirtieth fails, and each tenth waits for its key.
func one(ctx context.Context, s *store.Store, n int, now time.Time) error {
	id := fmt.Sprintf("i-%017x", n+1)
	m := record.Machine{
		ID: id, Name: fmt.Sprintf("web-%05d", n), Owner: fmt.Sprintf("team-%02d@example.com", n%40), Zone: "us-east-1" + string(rune('a'+n%3)), Policy: []string{"web", "shop", "lab"}[n%3],
		EnrolledAt: now.Add(-100 * time.Hour), EnrolledBy: "arn:aws:iam::" + account + ":user/operator", SessionARN: "arn:aws:sts::" + account + ":assumed-role/keyward-machine/" + id,
		Key:   record.Key{ARN: "arn:aws:kms:us-east-1:" + account + ":key/1234abcd-12ab-34cd-56ef-1234567890ab", Mode: policy.RevokeGrant},
		State: integrity.State{Standing: integrity.Good, Since: now.Add(-50 * time.Hour), Key: integrity.KeyReleased, KeySince: now.Add(-50 * time.Hour), Generation: 2, LastVerdict: "Pass", LastEvidence: now.Add(-time.Duration(n%1500) * time.Minute)},
	}
	if n%30 == 0 {
		since := now.Add(-time.Hour)
		m.Findings = []policy.Finding{{Rule: "no telnet", Verdict: policy.Fail, Expected: "tcp/23 closed", Actual: "tcp/23 open: /usr/sbin/telnetd (pid 4711)", Fix: "Stop telnetd", Values: []string{"tcp/23, /usr/sbin/telnetd"}}}
		m.State.Standing, m.State.Since, m.State.Why, m.State.LastVerdict = integrity.Bad, since, "no telnet: tcp/23 open: /usr/sbin/telnetd (pid 4711)", "Fail"
		m.State.WarnedAt, m.State.DueAt = since, now.Add(time.Duration(3+n%17)*time.Hour+time.Duration(n%59)*time.Minute).Truncate(time.Second)
		if n%90 == 0 {
			m.State.HeldFor, m.State.HeldSince = "held-policy", now
		}
	}
	change := store.Change{Machine: m, At: now, Ledger: []record.Entry{{Machine: id, At: now, Kind: record.EntryEnrolled, Text: "enrolled", By: m.EnrolledBy}}}
	if n%10 == 0 {
		change.Request = &record.Request{
			ID: fmt.Sprintf("r-%d", n), Machine: id, State: "Pending", Reason: "the policy has a person decide", Policy: m.Policy, Version: 1,
			AskedAt: now.Add(-time.Duration(n) * time.Second), ExpiresAt: now.Add(20 * time.Hour), Moves: []record.Move{{To: "Pending", At: now, By: "machine", Why: "it asked"}},
		}
	}
	_, err := s.Apply(ctx, change)
	return err
}
