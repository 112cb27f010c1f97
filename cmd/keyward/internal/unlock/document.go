package unlock

import (
	"context"
	"encoding/base64"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// The metadata service answers at once where there is one; a document has about 1,500 characters.
const (
	metadataWait = 2 * time.Second
	mostDocument = 8 << 10
)

// Documents asks the instance's metadata service, in version 2, for its signed identity document, anew each time: a start
// after a stop gives a new one. It is "" where no service answers, as on a hybrid node.
func Documents(cfg aws.Config) func(ctx context.Context) string {
	client := imds.NewFromConfig(cfg, func(o *imds.Options) {
		o.EnableFallback, o.Retryer = aws.FalseTernary, aws.NopRetryer{}
	})
	return func(ctx context.Context) string {
		ctx, cancel := context.WithTimeout(ctx, metadataWait)
		defer cancel()
		out, err := client.GetDynamicData(ctx, &imds.GetDynamicDataInput{Path: "instance-identity/rsa2048"})
		if err != nil {
			return ""
		}
		defer out.Content.Close()
		text, err := io.ReadAll(io.LimitReader(out.Content, mostDocument+1))
		document := strings.Join(strings.Fields(string(text)), "")
		if _, wrong := base64.StdEncoding.DecodeString(document); err != nil || wrong != nil || len(document) > mostDocument {
			return ""
		}
		return document
	}
}
