package sts_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/sts"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

func start(t *testing.T, p wire.Principal, change func(*wire.Key)) *sdk.Client {
	t.Helper()
	issued := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: issued})
	if err := server.Register(sts.Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(wire.Guard(server))
	t.Cleanup(listener.Close)
	k := issued.Issue(p)
	if change != nil {
		change(&k)
	}
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &listener.URL, RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)})
}

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	for _, p := range []wire.Principal{
		{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", UserID: "AIDACKCEVSQ6C2EXAMPLE", Account: "123456789012"},
		{Kind: wire.Machine, ARN: "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0", UserID: "AROADBQP57FF2AEXAMPLE:i-1234567890abcdef0", Account: "123456789012"},
	} {
		out, err := start(t, p, nil).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(out.Arn) != p.ARN || aws.ToString(out.UserId) != p.UserID || aws.ToString(out.Account) != p.Account {
			t.Errorf("GetCallerIdentity = %+v, want %+v", out, p)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	var api smithy.APIError
	c := start(t, wire.Principal{ARN: "arn:aws:iam::123456789012:user/a"}, func(k *wire.Key) { k.SecretAccessKey = "wrong" })
	if _, err := c.GetCallerIdentity(t.Context(), nil); !errors.As(err, &api) || api.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("with a wrong secret: %v", err)
	}
	c = start(t, wire.Principal{ARN: "arn:aws:iam::123456789012:user/a"}, nil)
	_, err := c.AssumeRole(t.Context(), &sdk.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/web"), RoleSessionName: aws.String("me")})
	if !errors.As(err, &api) || api.ErrorCode() != "NotImplemented" {
		t.Errorf("AssumeRole: %v", err)
	}
}
