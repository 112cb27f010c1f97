package people

import (
	"context"
	"net/http"

	"github.com/keyward/keyward/shared/record"
)

// Notifiers are all notifiers, by name.
func (c *Client) Notifiers(ctx context.Context) ([]record.Notifier, error) {
	var out struct{ Notifiers []record.Notifier }
	_, err := c.send(ctx, http.MethodGet, "/v1/notifiers", nil, &out)
	return out.Notifiers, err
}

// Notifier is one notifier.
func (c *Client) Notifier(ctx context.Context, name string) (n record.Notifier, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/notifiers/"+segment(name), nil, &n)
	return n, err
}

// PutNotifier stores a notifier; rotate makes its webhook another secret. A secret that was made is in the answer.
func (c *Client) PutNotifier(ctx context.Context, n record.Notifier, rotate bool) (stored record.Notifier, err error) {
	query := ""
	if rotate {
		query = "?rotate=true"
	}
	_, err = c.send(ctx, http.MethodPut, "/v1/notifiers/"+segment(n.Name)+query, n, &stored)
	return stored, err
}

// DeleteNotifier has a notifier tell nobody any more.
func (c *Client) DeleteNotifier(ctx context.Context, name, reason string) (n record.Notifier, err error) {
	_, err = c.send(ctx, http.MethodDelete, "/v1/notifiers/"+segment(name), record.Reason{Reason: reason}, &n)
	return n, err
}
