package iam_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/iam"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

var made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func begin(t *testing.T, kind wire.Kind) (*iam.IAM, *sdk.Client) {
	t.Helper()
	i := iam.New(iam.Config{Account: "123456789012", Now: func() time.Time { return made }})
	i.Provide("web", "ec2.amazonaws.com")
	i.Provide("branch", "ssm.amazonaws.com")
	issued := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: issued})
	if err := server.Register(i.Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(wire.Guard(server))
	t.Cleanup(listener.Close)
	k := issued.Issue(wire.Principal{Kind: kind, ARN: "arn:aws:iam::123456789012:user/operator", Account: "123456789012"})
	return i, sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &listener.URL, RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestRoles(t *testing.T) {
	t.Parallel()
	i, c := begin(t, wire.Operator)
	for name, service := range map[string]string{"web": "ec2.amazonaws.com", "branch": "ssm.amazonaws.com", "WEB": "ec2.amazonaws.com"} {
		out, err := c.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: &name})
		if err != nil {
			t.Fatal(err)
		}
		policy, err := url.PathUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
		if err != nil || !strings.Contains(policy, service) || strings.Contains(*out.Role.AssumeRolePolicyDocument, "{") {
			t.Errorf("the trust policy of %s is %s, %v", name, *out.Role.AssumeRolePolicyDocument, err)
		}
		if got := aws.ToString(out.Role.Arn); got != "arn:aws:iam::123456789012:role/"+strings.ToLower(name) || !out.Role.CreateDate.Equal(made) {
			t.Errorf("role %s made %s", got, out.Role.CreateDate)
		}
	}
	out, err := c.GetInstanceProfile(t.Context(), &sdk.GetInstanceProfileInput{InstanceProfileName: aws.String("web")})
	if err != nil || len(out.InstanceProfile.Roles) != 1 || aws.ToString(out.InstanceProfile.Roles[0].RoleName) != "web" {
		t.Errorf("GetInstanceProfile = %+v, %v", out, err)
	}
	// Changed by a person it stays so, also when it is provided again and after a restart.
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Sid":"a b+c"}]}`
	if _, err := c.UpdateAssumeRolePolicy(t.Context(), &sdk.UpdateAssumeRolePolicyInput{RoleName: aws.String("web"), PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
	i.Provide("web", "ec2.amazonaws.com")
	saved, err := i.Save()
	if err != nil {
		t.Fatal(err)
	}
	other, client := begin(t, wire.Operator)
	if err := other.Load(saved); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: aws.String("web")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := url.PathUnescape(aws.ToString(got.Role.AssumeRolePolicyDocument)); err != nil || text != policy {
		t.Errorf("the trust policy is %s, %v, want what was put", text, err)
	}
	for _, broken := range []string{`[]`, `{"a":null}`, `{"a":{"name":"b"}}`} {
		if err := other.Load([]byte(broken)); err == nil {
			t.Errorf("Load(%s) succeeded", broken)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, c := begin(t, wire.Operator)
	ctx := t.Context()
	get := func(name string) error {
		_, err := c.GetRole(ctx, &sdk.GetRoleInput{RoleName: &name})
		return err
	}
	profile := func(name string) error {
		_, err := c.GetInstanceProfile(ctx, &sdk.GetInstanceProfileInput{InstanceProfileName: &name})
		return err
	}
	update := func(name, policy string) error {
		_, err := c.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &policy})
		return err
	}
	_, machine := begin(t, wire.Machine)
	_, asMachine := machine.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("web")})
	_, listed := c.ListRoles(ctx, &sdk.ListRolesInput{})
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no such role":        {get("other"), "NoSuchEntity"},
		"no name":             {get(""), "ValidationError"},
		"no such profile":     {profile("other"), "NoSuchEntity"},
		"a hybrid node's":     {profile("branch"), "NoSuchEntity"},
		"update of no role":   {update("other", `{"Statement":[]}`), "NoSuchEntity"},
		"no policy":           {update("web", `{`), "MalformedPolicyDocument"},
		"without a statement": {update("web", `{}`), "MalformedPolicyDocument"},
		"a machine asks":      {asMachine, "AccessDenied"},
		"not there":           {listed, "NotImplemented"},
	} {
		if got := code(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %s", name, tt.err, tt.want)
		}
	}
}
