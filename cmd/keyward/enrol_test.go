package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/rogpeppe/go-internal/testscript"
)

// blankDevice makes a file of zeros: blank NAME BYTES.
func blankDevice(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: blank NAME BYTES")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), nil, 0o600))
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// unwrapped is the data key in a file, as KMS decrypts it for a machine.
func unwrapped(ts *testscript.TestScript, file, machine string) ([]byte, error) {
	blob, err := base64.StdEncoding.DecodeString(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	keys := kms.New(kms.Options{
		Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ts.Getenv("AWS_SESSION_TOKEN")),
	})
	out, err := keys.Decrypt(context.Background(), &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"keyward:machine": machine}})
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}

// unwrapTo writes it down: unwrap WRAPPED MACHINE FILE.
func unwrapTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: unwrap WRAPPED MACHINE FILE")
	}
	plaintext, err := unwrapped(ts, args[0], args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), plaintext, 0o600))
}

// opensWith says that the wrapped key opens the device: opens DEVICE WRAPPED MACHINE.
func opensWith(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: opens DEVICE WRAPPED MACHINE")
	}
	plaintext, err := unwrapped(ts, args[1], args[2])
	if err == nil {
		c := exec.Command("cryptsetup", "open", "--test-passphrase", "--key-file=-", ts.MkAbs(args[0]))
		c.Stdin = bytes.NewReader(plaintext)
		err = c.Run()
	}
	if (err == nil) == neg {
		ts.Fatalf("%s opens with %s for %s: %v", args[0], args[1], args[2], err)
	}
}
