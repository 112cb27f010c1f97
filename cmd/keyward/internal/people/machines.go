package people

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// Asked is which machines a list is of; empty fields ask for all.
type Asked struct{ Policy, Standing, Key string }

// Machines are the enrolled machines that are asked for.
func (c *Client) Machines(ctx context.Context, asked Asked) ([]record.Machine, error) {
	all := []record.Machine{}
	for after := ""; ; {
		page, err := c.machines(ctx, after, asked)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Machines...)
		if page.Next == "" {
			return all, nil
		}
		if page.Next <= after {
			return nil, fmt.Errorf("listing machines: the pages do not go on after %s", after)
		}
		after = page.Next
	}
}

// MachinePage is one page of all enrolled machines; after is the Next of the page before, "" for the first.
func (c *Client) MachinePage(ctx context.Context, after string) (record.MachinePage, error) {
	return c.machines(ctx, after, Asked{})
}

func (c *Client) machines(ctx context.Context, after string, asked Asked) (page record.MachinePage, err error) {
	query := url.Values{}
	for name, word := range map[string]string{"after": after, "policy": asked.Policy, "standing": asked.Standing, "key": asked.Key} {
		if word != "" {
			query.Set(name, word)
		}
	}
	_, err = c.send(ctx, http.MethodGet, "/v1/machines?"+query.Encode(), nil, &page)
	return page, err
}

// Machine is one machine with what would stop a revocation now.
func (c *Client) Machine(ctx context.Context, id string) (v record.MachineView, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/machines/"+segment(id), nil, &v)
	return v, err
}

// Enrol binds a machine to its key and policy.
func (c *Client) Enrol(ctx context.Context, id string, e record.Enrolment) (m record.Machine, err error) {
	_, err = c.send(ctx, http.MethodPut, "/v1/machines/"+segment(id), e, &m)
	return m, err
}

// Check asks for an inspection now and returns when it was asked for.
func (c *Client) Check(ctx context.Context, id string) (time.Time, error) {
	var out struct{ AskedAt time.Time }
	_, err := c.send(ctx, http.MethodPost, "/v1/machines/"+segment(id)+"/check", nil, &out)
	return out.AskedAt, err
}

// Restore gives a revoked key back.
func (c *Client) Restore(ctx context.Context, id, reason string) (m record.Machine, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/machines/"+segment(id)+"/restore", record.Reason{Reason: reason}, &m)
	return m, err
}

// Resume lets a machine go on that was left to a person.
func (c *Client) Resume(ctx context.Context, id, reason string) (m record.Machine, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/machines/"+segment(id)+"/resume", record.Reason{Reason: reason}, &m)
	return m, err
}

// Ledger is everything that was done about a machine, newest first.
func (c *Client) Ledger(ctx context.Context, id string) ([]record.Entry, error) {
	var out struct{ Entries []record.Entry }
	_, err := c.send(ctx, http.MethodGet, "/v1/machines/"+segment(id)+"/ledger", nil, &out)
	return out.Entries, err
}

// History is one page of what is kept of a machine from one time until another; after is the Next of the page before,
// "" for the first.
func (c *Client) History(ctx context.Context, id string, since, until time.Time, after string) (h record.History, err error) {
	query := url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}, "until": {until.UTC().Format(time.RFC3339Nano)}}
	if after != "" {
		query.Set("after", after)
	}
	_, err = c.send(ctx, http.MethodGet, "/v1/machines/"+segment(id)+"/history?"+query.Encode(), nil, &h)
	return h, err
}

// Audit is a machine's whole ledger as it was written, with the heads of its chains.
func (c *Client) Audit(ctx context.Context, machine string) (entries []record.Entry, heads map[string]record.Head, err error) {
	after := ""
	for {
		var page record.Audit
		if _, err := c.send(ctx, http.MethodGet, "/v1/machines/"+url.PathEscape(machine)+"/audit?after="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, nil, err
		}
		if after == "" {
			heads = page.Heads
		}
		if entries = append(entries, page.Entries...); page.Next == "" {
			return entries, heads, nil
		}
		after = page.Next
	}
}
