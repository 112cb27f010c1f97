package ssmrun_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/fault"
)

func TestPatchings(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, awstest.Machine, "")
	p.node(t, awstest.Other, "")
	if err := p.ssm.PutPatchDocument(); err != nil {
		t.Fatal(err)
	}
	api := client.NewFromConfig(p.Config)
	patch := func(operation, machine string) string {
		out, err := api.SendCommand(t.Context(), &client.SendCommandInput{
			DocumentName: aws.String(ssm.PatchDocument), InstanceIds: []string{machine}, Parameters: map[string][]string{"Operation": {operation}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Settle()
		return aws.ToString(out.Command.CommandId)
	}
	patch("Install", awstest.Machine)
	p.Forward(time.Hour)
	since := p.Clock.Now()
	patch("Scan", awstest.Machine)
	p.send(t, awstest.Machine)
	late := patch("Install", awstest.Machine)
	found, err := p.client.Patchings(t.Context(), since)
	if err != nil || len(found) != 1 || found[0] != late {
		t.Fatalf("Patchings = %q, %v, want the second that installs, %s", found, err, late)
	}
	for machine, want := range map[string]time.Time{awstest.Machine: since, awstest.Other: {}} {
		if at, err := p.client.Asked(t.Context(), late, machine); err != nil || at.Sub(want).Abs() > time.Second {
			t.Errorf("Asked of %s = %v, %v, want %v", machine, at, err, want)
		}
	}
	own := map[string]fault.Kind{"InternalServerError": fault.Transient}
	p.Mapped(t, "ListCommands", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ssmrun.New(cfg).Patchings(ctx, since)
		return err
	})
	p.Mapped(t, "ListCommandInvocations", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ssmrun.New(cfg).Asked(ctx, late, awstest.Machine)
		return err
	})
}
