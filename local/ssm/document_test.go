package ssm_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/ssm"
)

func TestDocumentVersions(t *testing.T) {
	t.Parallel()
	p := begin(t)
	first := script("echo 1")
	for i, c := range []struct {
		content string
		want    int
	}{{first, 1}, {first, 1}, {inspection, 2}, {inspection, 2}, {first, 3}} {
		got, err := p.PutDocument(ssm.Document{Name: "keyward-inspect", Content: c.content, UpdateMethod: "NewVersion"})
		if err != nil || got != c.want {
			t.Errorf("PutDocument %d = %d, %v, want version %d", i, got, err, c.want)
		}
	}
	ctx := context.Background()
	for name, c := range map[string]struct{ document, version, want, content string }{
		"none":    {"keyward-inspect", "", "3", first},
		"default": {"keyward-inspect", "$DEFAULT", "3", first},
		"latest":  {"keyward-inspect", "$LATEST", "3", first},
		"number":  {"keyward-inspect", "2", "2", inspection},
		"ARN":     {"arn:aws:ssm:us-east-1:123456789012:document/keyward-inspect", "1", "1", first},
	} {
		var version *string
		if c.version != "" {
			version = &c.version
		}
		out, err := p.client.GetDocument(ctx, &client.GetDocumentInput{Name: &c.document, DocumentVersion: version, DocumentFormat: types.DocumentFormatJson})
		if err != nil || *out.DocumentVersion != c.want || *out.Content != c.content || out.DocumentFormat != types.DocumentFormatJson {
			t.Errorf("%s: GetDocument = %+v, %v, want version %s", name, out, err, c.want)
		}
	}
	out, err := p.client.DescribeDocument(ctx, &client.DescribeDocumentInput{Name: aws.String("keyward-inspect"), DocumentVersion: aws.String("2")})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(inspection))
	want := &types.DocumentDescription{
		Name: aws.String("keyward-inspect"), Owner: aws.String(account), CreatedDate: &start, Status: "Active", Description: aws.String("looks"),
		DocumentType: "Command", DocumentFormat: "JSON", SchemaVersion: aws.String("2.2"), Tags: []types.Tag{},
		DocumentVersion: aws.String("2"), DefaultVersion: aws.String("3"), LatestVersion: aws.String("3"),
		Hash: aws.String(hex.EncodeToString(sum[:])), HashType: "Sha256", PlatformTypes: []types.PlatformType{"Windows", "Linux", "MacOS"},
		Parameters: []types.DocumentParameter{
			{Name: aws.String("Collect"), Type: "StringList", DefaultValue: aws.String(`["base"]`)},
			{Name: aws.String("Nonce"), Type: "String", Description: aws.String("echoed")},
		},
	}
	if diff := cmp.Diff(want, out.Document, cmpopts.IgnoreUnexported(types.DocumentDescription{}, types.DocumentParameter{})); diff != "" {
		t.Errorf("DescribeDocument (-want +got):\n%s", diff)
	}
}

func TestDocumentErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.put(t, "keyward-inspect", script("true"))
	ctx := context.Background()
	for name, c := range map[string]struct {
		document, version, format, want string
	}{
		"unknown":        {"AWS-RunShellScript", "", "", "InvalidDocument"},
		"version":        {"keyward-inspect", "2", "", "InvalidDocumentVersion"},
		"version 0":      {"keyward-inspect", "0", "", "InvalidDocumentVersion"},
		"no number":      {"keyward-inspect", "two", "", "InvalidDocumentVersion"},
		"other account":  {"arn:aws:ssm:us-east-1:210987654321:document/keyward-inspect", "", "", "InvalidDocument"},
		"YAML":           {"keyward-inspect", "", "YAML", "NotImplemented"},
		"other document": {"keyward-inspect2", "1", "", "InvalidDocument"},
	} {
		in := &client.GetDocumentInput{Name: &c.document, DocumentFormat: types.DocumentFormat(c.format)}
		describe := &client.DescribeDocumentInput{Name: &c.document}
		if c.version != "" {
			in.DocumentVersion, describe.DocumentVersion = &c.version, &c.version
		}
		if _, err := p.client.GetDocument(ctx, in); code(err) != c.want {
			t.Errorf("%s: GetDocument: %v, want %s", name, err, c.want)
		}
		if c.format != "" {
			continue
		}
		if _, err := p.client.DescribeDocument(ctx, describe); code(err) != c.want {
			t.Errorf("%s: DescribeDocument: %v, want %s", name, err, c.want)
		}
	}
	if _, err := p.client.DescribeDocument(ctx, &client.DescribeDocumentInput{Name: aws.String("keyward-inspect"), VersionName: aws.String("x")}); code(err) != "NotImplemented" {
		t.Errorf("DescribeDocument with VersionName: %v, want NotImplemented", err)
	}
}

func TestPutDocumentRefuses(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.put(t, "keyward-inspect", script("true"))
	for name, c := range map[string]struct {
		document ssm.Document
		want     string
	}{
		"name":     {ssm.Document{Name: "a b c", Content: script("true")}, "expected a name"},
		"method":   {ssm.Document{Name: "keyward-lock", Content: script("true"), UpdateMethod: "Merge"}, `found "Merge"`},
		"content":  {ssm.Document{Name: "keyward-lock", Content: "{}"}, "registering document keyward-lock: keyward local does not implement document schemaVersion"},
		"replaced": {ssm.Document{Name: "keyward-inspect", Content: script("false")}, "does not implement replacing a document's content"},
	} {
		if _, err := p.PutDocument(c.document); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: PutDocument = %v, want %q", name, err, c.want)
		}
	}
}

// Nobody who can reach the port can make this host run something of his own.
func TestOnlyRegisteredDocumentsRun(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	ctx := context.Background()
	_, err := p.client.CreateDocument(ctx, &client.CreateDocumentInput{Name: aws.String("own"), Content: aws.String(script("id"))})
	if code(err) != "NotImplemented" {
		t.Errorf("CreateDocument: %v, want NotImplemented", err)
	}
	_, err = p.client.UpdateDocument(ctx, &client.UpdateDocumentInput{Name: aws.String("own"), Content: aws.String(script("id"))})
	if code(err) != "NotImplemented" {
		t.Errorf("UpdateDocument: %v, want NotImplemented", err)
	}
	for _, name := range []string{"own", "AWS-RunShellScript", "arn:aws:ssm:us-east-1:123456789012:document/own"} {
		in := one(name, here)
		in.Parameters = map[string][]string{"commands": {"id"}}
		if _, err := p.client.SendCommand(ctx, &in); code(err) != "InvalidDocument" {
			t.Errorf("SendCommand of %s: %v, want InvalidDocument", name, err)
		}
	}
}
