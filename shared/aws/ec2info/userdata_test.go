package ec2info_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
)

func TestUserData(t *testing.T) {
	t.Parallel()
	const secret = "#!/bin/sh\nexport PASSWORD=hunter2\n"
	p, client, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: "running", UserData: secret}, ec2.Machine{ID: awstest.Other, State: "stopped"})
	got, err := client.UserData(t.Context(), []string{awstest.Machine, awstest.Other, hybrid, "i-00000000000000009"})
	sum := sha256.Sum256([]byte(secret))
	first := evidence.Unknown[string](evidence.WhyNotCollected)
	want := map[string]evidence.UserData{
		awstest.Machine: {SHA256: evidence.Known(hex.EncodeToString(sum[:])), Bytes: evidence.Known(len(secret)), First: first},
		awstest.Other:   {SHA256: evidence.Known(evidence.NoUserData), Bytes: evidence.Known(0), First: first},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("UserData, %v (-want +got):\n%s", err, diff)
	}
	if calls := p.Operations(); strings.Join(calls, " ") != "DescribeInstanceAttribute DescribeInstanceAttribute DescribeInstanceAttribute" {
		t.Errorf("calls = %v, want one for each instance", calls)
	}
	if got, err := client.UserData(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("UserData of none = %v, %v", got, err)
	}
}

func TestUserDataErrors(t *testing.T) {
	t.Parallel()
	p, _, _ := begin(t)
	own := map[string]fault.Kind{"UnauthorizedOperation": fault.Denied, "RequestLimitExceeded": fault.Transient}
	p.Mapped(t, "DescribeInstanceAttribute", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ec2info.New(cfg).UserData(ctx, []string{awstest.Machine})
		return err
	})
}
