package people

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/keyward/keyward/shared/record"
)

// Requests are the key requests, oldest first: of one machine and in one state, unless these are empty.
func (c *Client) Requests(ctx context.Context, machine, state string) ([]record.Request, error) {
	query := url.Values{}
	if machine != "" {
		query.Set("machine", machine)
	}
	if state != "" {
		query.Set("state", state)
	}
	all := []record.Request{}
	for {
		var page record.RequestPage
		if _, err := c.send(ctx, http.MethodGet, "/v1/requests?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Requests...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("after", page.Next)
	}
}

// Request is one key request of a machine.
func (c *Client) Request(ctx context.Context, machine, id string) (r record.Request, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/requests/"+segment(machine)+"/"+segment(id), nil, &r)
	return r, err
}

// Rule acts on a key request: word is approve, deny or check.
func (c *Client) Rule(ctx context.Context, machine, id, word, reason string) (r record.Request, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/requests/"+segment(machine)+"/"+segment(id)+"/"+word, record.Reason{Reason: reason}, &r)
	return r, err
}

// Ignore lets stand until a time what the machine of a key request fails by now.
func (c *Client) Ignore(ctx context.Context, machine, id string, wish record.IgnoreWish) (i record.Ignored, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/requests/"+segment(machine)+"/"+segment(id)+"/ignore", wish, &i)
	return i, err
}

// Act does the same with several key requests: word is the last part of the route, body a record.Selection or a
// record.IgnoreSelection. What was refused is in the answer, request by request.
func (c *Client) Act(ctx context.Context, word string, body any) ([]record.Acted, error) {
	var list record.ActedList
	_, err := c.send(ctx, http.MethodPost, "/v1/requests/"+word, body, &list)
	return list.Results, err
}

// AskKey is a machine's request for its key, signed with the machine's own credentials, with its signed identity
// document unless that is "". It belongs to the machines' API. A denial is a Refusal, and has the request and its findings as well.
func (c *Client) AskKey(ctx context.Context, bootID, document string) (status int, r record.Release, err error) {
	body := map[string]string{"bootId": bootID}
	if document != "" {
		body["identityDocument"] = document
	}
	status, err = c.send(ctx, http.MethodPost, "/v1/key-requests", body, &r)
	var refusal *Refusal
	if errors.As(err, &refusal) && json.Unmarshal(refusal.Body, &r) != nil {
		r = record.Release{} // it is no answer of Keyward's
	}
	return status, r, err
}

// Delivered tells that a released key was used.
func (c *Client) Delivered(ctx context.Context, request string) (r record.Release, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/key-requests/"+segment(request)+"/delivered", nil, &r)
	return r, err
}
