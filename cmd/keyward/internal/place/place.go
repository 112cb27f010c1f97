// Package place is the client of keyward local's control API: time, mails, logs, calls and
// credentials. keyward local's subcommands and the demo use it.
package place

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Client talks to one running place.
type Client struct {
	url, token string
	http       *http.Client
}

// New returns a client for the place at url, whose token it printed when it started.
func New(url, token string) *Client {
	return &Client{url: url, token: token, http: &http.Client{Timeout: 5 * time.Minute}}
}

// Status is the place at a glance.
type Status struct {
	URL     string            `json:"url"`
	Region  string            `json:"region"`
	Account string            `json:"account"`
	Now     time.Time         `json:"now"` // virtual
	Offset  string            `json:"offset"`
	Pending []Due             `json:"pending"`
	APIs    map[string]string `json:"apis"` // URL by logical id
	Outputs map[string]string `json:"outputs"`
}

// Due is one timer that is set.
type Due struct {
	At   time.Time `json:"at"`
	Name string    `json:"name"`
}

// Credentials are AWS credentials that this start of the place accepts.
type Credentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Metadata        string `json:"metadataEndpoint"` // of an instance: its metadata service
}

// Mail is one message in the mailbox.
type Mail struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
}

// Status asks how the place is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.do(ctx, http.MethodGet, "status", nil, &s)
}

// Forward moves time to an instant; everything that falls due on the way happens.
func (c *Client) Forward(ctx context.Context, to time.Time) (s Status, err error) {
	return s, c.do(ctx, http.MethodPost, "forward", map[string]time.Time{"to": to}, &s)
}

// ForwardBy moves time by a duration.
func (c *Client) ForwardBy(ctx context.Context, d time.Duration) (s Status, err error) {
	return s, c.do(ctx, http.MethodPost, "forward", map[string]string{"duration": d.String()}, &s)
}

// Settle waits until nothing is at work.
func (c *Client) Settle(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "settle", nil, nil)
}

// Mails are all mails that were delivered, oldest first.
func (c *Client) Mails(ctx context.Context) (mails []Mail, err error) {
	return mails, c.do(ctx, http.MethodGet, "mail", nil, &mails)
}

// Calls are how often each AWS operation was called.
func (c *Client) Calls(ctx context.Context) (calls map[string]int, err error) {
	return calls, c.do(ctx, http.MethodGet, "calls", nil, &calls)
}

// Machine gives the credentials of a machine's role session.
func (c *Client) Machine(ctx context.Context, id string) (k Credentials, err error) {
	return k, c.do(ctx, http.MethodGet, "credentials?machine="+id, nil, &k)
}

// Person gives the credentials of a user who has one of the template's policies on HTTP APIs, by its logical id.
func (c *Client) Person(ctx context.Context, name, policy string) (k Credentials, err error) {
	return k, c.do(ctx, http.MethodGet, "credentials?"+url.Values{"user": {name}, "policy": {policy}}.Encode(), nil, &k)
}

// Operator gives the credentials of a person with all rights in the account.
func (c *Client) Operator(ctx context.Context) (k Credentials, err error) {
	return k, c.do(ctx, http.MethodGet, "credentials", nil, &k)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+"/_local/"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("building the request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("calling keyward local: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("reading the answer of keyward local: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		var refusal struct{ Error string }
		if json.Unmarshal(text, &refusal) != nil || refusal.Error == "" {
			refusal.Error = string(text)
		}
		return fmt.Errorf("keyward local refused %s %s: %s", method, path, refusal.Error)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the answer of keyward local to %s: %w", path, err)
	}
	return nil
}
