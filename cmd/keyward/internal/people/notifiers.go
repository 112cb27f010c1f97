package people

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

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

// PutNotifier stores a notifier, only over a version, unless that is 0; rotate makes its webhook another secret. A secret that
// was made is in the answer.
func (c *Client) PutNotifier(ctx context.Context, n record.Notifier, over int, rotate bool) (stored record.Notifier, err error) {
	body, err := json.Marshal(n)
	if err != nil {
		return record.Notifier{}, fmt.Errorf("encoding notifier %s: %w", n.Name, err)
	}
	var header [][2]string
	if over != 0 {
		header = [][2]string{{"If-Match", fmt.Sprintf("%q", strconv.Itoa(over))}}
	}
	query := ""
	if rotate {
		query = "?rotate=true"
	}
	_, err = c.do(ctx, http.MethodPut, "/v1/notifiers/"+segment(n.Name)+query, body, &stored, header...)
	return stored, err
}

// DeleteNotifier has a notifier tell nobody any more.
func (c *Client) DeleteNotifier(ctx context.Context, name, reason string) (n record.Notifier, err error) {
	_, err = c.send(ctx, http.MethodDelete, "/v1/notifiers/"+segment(name), record.Reason{Reason: reason}, &n)
	return n, err
}
