package people

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/keyward/keyward/shared/record"
)

// Policies are the current versions of all policies, without their texts.
func (c *Client) Policies(ctx context.Context) ([]record.Policy, error) {
	var out struct{ Policies []record.Policy }
	_, err := c.send(ctx, http.MethodGet, "/v1/policies", nil, &out)
	return out.Policies, err
}

// Policy is the current version of one policy.
func (c *Client) Policy(ctx context.Context, name string) (p record.Policy, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/policies/"+segment(name), nil, &p)
	return p, err
}

// Preview says what a policy's text would mean for its machines. It changes nothing.
func (c *Client) Preview(ctx context.Context, name string, text []byte) (v record.Preview, err error) {
	_, err = c.do(ctx, http.MethodPost, "/v1/policies/"+segment(name)+"/preview", text, &v)
	return v, err
}

// PutPolicy stores a policy's text; only over a version, unless that is 0.
func (c *Client) PutPolicy(ctx context.Context, name string, text []byte, over int) (p record.Policy, err error) {
	var header [][2]string
	if over != 0 {
		header = [][2]string{{"If-Match", fmt.Sprintf("%q", strconv.Itoa(over))}}
	}
	_, err = c.do(ctx, http.MethodPut, "/v1/policies/"+segment(name), text, &p, header...)
	return p, err
}

// DeletePolicy ends a policy.
func (c *Client) DeletePolicy(ctx context.Context, name, reason string) (p record.Policy, err error) {
	_, err = c.send(ctx, http.MethodDelete, "/v1/policies/"+segment(name), record.Reason{Reason: reason}, &p)
	return p, err
}

// PolicyVersions are all versions of a policy, newest first and without their texts.
func (c *Client) PolicyVersions(ctx context.Context, name string) ([]record.Policy, error) {
	all := []record.Policy{}
	for query := ""; ; {
		var page record.PolicyPage
		if _, err := c.send(ctx, http.MethodGet, "/v1/policies/"+segment(name)+"/versions"+query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Policies...)
		if page.Next == "" {
			return all, nil
		}
		query = "?after=" + url.QueryEscape(page.Next)
	}
}

// PolicyVersion reads one version of a policy.
func (c *Client) PolicyVersion(version int) func(ctx context.Context, name string) (record.Policy, error) {
	return func(ctx context.Context, name string) (p record.Policy, err error) {
		_, err = c.send(ctx, http.MethodGet, fmt.Sprintf("/v1/policies/%s/versions/%d", segment(name), version), nil, &p)
		return p, err
	}
}

// PolicyDiff is what changed from one version of a policy to another.
func (c *Client) PolicyDiff(ctx context.Context, name string, from, to int) (d record.PolicyDiff, err error) {
	_, err = c.send(ctx, http.MethodGet, fmt.Sprintf("/v1/policies/%s/diff?from=%d&to=%d", segment(name), from, to), nil, &d)
	return d, err
}
