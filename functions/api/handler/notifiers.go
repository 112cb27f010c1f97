package handler

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

// maxNotifiers are kept: each notice asks all of them.
const maxNotifiers = 100

func (h *Handler) listNotifiers(ctx context.Context, _ boot.Call) (int, any, error) {
	all, err := h.Store.Notifiers(ctx)
	for i, n := range all {
		all[i] = maskedNotifier(n, "")
	}
	return http.StatusOK, list("notifiers", all), err
}

func (h *Handler) showNotifier(ctx context.Context, c boot.Call) (int, any, error) {
	n, err := h.Store.Notifier(ctx, c.PathValue("name"))
	return http.StatusOK, boot.Tagged{Tag: notifierTag(n), Value: maskedNotifier(n, "")}, err
}

// putNotifier stores the next version of a notifier. The same again changes nothing. The secret of a webhook is in the answer to
// the call that made it, and nowhere else: one at another address has another, and rotate=true makes another.
func (h *Handler) putNotifier(ctx context.Context, c boot.Call) (int, any, error) {
	n, err := h.notifierOf(c)
	if err != nil {
		return 0, nil, err
	}
	before, err := h.Store.Notifier(ctx, n.Name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return 0, nil, err
	}
	if err := c.Matches(notifierTag(before)); err != nil {
		return 0, nil, err
	}
	if err := h.room(ctx, n.Name, before.Version); err != nil {
		return 0, nil, err
	}
	secret, err := h.sign(&n, before, c.FormValue("rotate") == "true")
	if err != nil {
		return 0, nil, err
	}
	n.Version, n.PutAt, n.PutBy = before.Version, before.PutAt, before.PutBy
	if before.Version > 0 && reflect.DeepEqual(n, before) {
		return http.StatusOK, boot.Tagged{Tag: notifierTag(before), Value: maskedNotifier(before, "")}, nil
	}
	n.PutAt, n.PutBy = c.Now, c.Caller
	stored, err := h.Store.PutNotifier(ctx, n)
	if err != nil {
		return 0, nil, h.notifierOutdated(ctx, c, n.Name, err)
	}
	h.Log.InfoContext(ctx, "notifier put", "notifier", stored.Name, "version", stored.Version, "secretMade", secret != "", "by", c.Caller)
	return http.StatusOK, boot.Tagged{Tag: notifierTag(stored), Value: maskedNotifier(stored, secret)}, nil
}

// notifierOf is the notifier in the body of a call; it has to have the name in the path, and a topic that the stack may
// publish to.
func (h *Handler) notifierOf(c boot.Call) (record.Notifier, error) {
	name := c.PathValue("name")
	if err := known(c.URL.Query(), "rotate", map[string]bool{"true": true, "false": false}); err != nil {
		return record.Notifier{}, err
	}
	n, err := notifier.ReadJSON(c.Body)
	if err != nil {
		return record.Notifier{}, notifier.Refused(err, "reading notifier "+name)
	}
	if n.Name != name {
		return record.Notifier{}, fault.Wrong("notifier", "reading notifier %s: the document says notifier: %s", name, n.Name)
	}
	if part := strings.Split(n.Topic, ":"); n.Topic != "" && (part[3] != h.Region || part[4] != h.Account) {
		return record.Notifier{}, fault.Wrong("topic", "reading notifier %s: the topic is of account %s in %s, expected %s in %s", name, part[4], part[3], h.Account, h.Region)
	}
	return n, nil
}

// room refuses one notifier more than are kept.
func (h *Handler) room(ctx context.Context, name string, version int) error {
	if version > 0 {
		return nil
	}
	all, err := h.Store.Notifiers(ctx)
	if err == nil && len(all) >= maxNotifiers {
		err = fault.New(fault.Conflict, "putting notifier %s: there are %d already, which is the most", name, len(all))
	}
	return err
}

// sign gives a webhook its address, where it was put as people are shown it, and its secret: the one it has, or a new one,
// which is returned.
func (h *Handler) sign(n *record.Notifier, before record.Notifier, rotate bool) (string, error) {
	switch hook, old := n.Webhook, before.Webhook; {
	case hook == nil && rotate:
		return "", fault.Wrong("rotate", "putting notifier %s: rotate is true, and there is no webhook", n.Name)
	case hook == nil:
		return "", nil
	case notifier.IsMasked(hook.URL) && (old == nil || notifier.Masked(old.URL) != hook.URL):
		return "", fault.Wrong("webhook.url", "putting notifier %s: webhook.url is %q, which stands for the address that is stored, and there is none of that host", n.Name, hook.URL)
	case notifier.IsMasked(hook.URL):
		hook.URL = old.URL
	}
	if old := before.Webhook; old != nil && old.URL == n.Webhook.URL && !rotate {
		n.Webhook.Secret = old.Secret
		return "", nil
	}
	var secret [32]byte
	if _, err := io.ReadFull(h.Random, secret[:]); err != nil {
		return "", fault.Wrap(fault.Internal, err, "making the secret of notifier %s", n.Name)
	}
	n.Webhook.Secret = base64.RawURLEncoding.EncodeToString(secret[:])
	return n.Webhook.Secret, nil
}

// deleteNotifier has a notifier tell nobody any more, what it gathered neither.
func (h *Handler) deleteNotifier(ctx context.Context, c boot.Call) (int, any, error) {
	name := c.PathValue("name")
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	if err := checkReason(r, "deleting notifier "+name); err != nil {
		return 0, nil, err
	}
	n, err := h.Store.Notifier(ctx, name)
	if err != nil {
		return 0, nil, err
	}
	if err := c.Matches(notifierTag(n)); err != nil {
		return 0, nil, err
	}
	if err := h.Store.DeleteNotifier(ctx, n); err != nil {
		return 0, nil, h.notifierOutdated(ctx, c, name, err)
	}
	h.Log.InfoContext(ctx, "notifier deleted", "notifier", name, boot.KeyReason, r.Reason, "by", c.Caller)
	return http.StatusOK, maskedNotifier(n, ""), nil
}

// notifierOutdated is why a write came too late: for a caller who named a version the one that is there now.
func (h *Handler) notifierOutdated(ctx context.Context, c boot.Call, name string, refused error) error {
	if !fault.Is(refused, fault.Conflict) || c.Header.Get("If-Match") == "" {
		return refused
	}
	now, err := h.Store.Notifier(ctx, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err := c.Matches(notifierTag(now)); err != nil {
		return err
	}
	return refused
}

// notifierTag is the version of a notifier that is there, "" of none.
func notifierTag(n record.Notifier) string {
	if n.Version == 0 {
		return ""
	}
	return strconv.Itoa(n.Version)
}

// maskedNotifier is a notifier as people see it: of its webhook's address the host alone, and a secret that was made just now.
func maskedNotifier(n record.Notifier, secret string) record.Notifier {
	if n.Webhook != nil {
		hook := *n.Webhook
		hook.URL, hook.Secret = notifier.Masked(hook.URL), secret
		n.Webhook = &hook
	}
	return n
}
