// Package stackreply sends CloudFormation the answer of a custom resource: a PUT to the presigned URL that came with the
// request. CloudFormation waits for it, for an hour unless the template says less, so that it is tried more than once.
package stackreply

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/removal"
)

// Client sends answers.
type Client struct{ http *http.Client }

// New returns a client.
func New() *Client { return &Client{http: http.DefaultClient} }

// tries is how often an answer is sent. They follow at once: what a moment would cure, Lambda's own repetition does.
const tries = 3

// Reply sends an answer. The URL is a secret of the stack's and in no error.
func (c *Client) Reply(ctx context.Context, url string, r removal.Response) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the answer to CloudFormation: %w", err)
	}
	for range tries {
		if err = c.put(ctx, url, body); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

func (c *Client) put(ctx context.Context, url string, body []byte) error {
	const doing = "answering CloudFormation"
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, doing+": the response URL is none")
	}
	out, err := c.http.Do(r) // without a Content-Type: the URL is signed for a request that has none
	if err != nil {
		return fault.New(fault.Transient, doing+": the response URL cannot be reached")
	}
	_ = out.Body.Close() // S3's answer says nothing that is needed
	if out.StatusCode != http.StatusOK {
		return fault.New(fault.Transient, doing+": the response URL answered %d", out.StatusCode)
	}
	return nil
}
