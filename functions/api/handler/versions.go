package handler

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// pageVersions is how many versions a page has.
const pageVersions = 50

// policyVersions is a page of the versions of a policy, newest first and without their texts; deletions are versions too.
func (h *Handler) policyVersions(ctx context.Context, c boot.Call) (int, any, error) {
	name, before := c.PathValue("name"), 0
	if text := c.URL.Query().Get("after"); text != "" {
		var err error
		if before, err = versionNumber("after", text); err != nil {
			return 0, nil, err
		}
	}
	page := record.PolicyPage{}
	var err error
	if page.Policies, err = h.Store.PolicyVersions(ctx, name, before, pageVersions); err != nil {
		return 0, nil, err
	}
	if len(page.Policies) == 0 {
		if _, err := h.Store.PolicyVersion(ctx, name, 1); err != nil { // each that ever was has one
			return 0, nil, err
		}
	}
	if n := len(page.Policies); n == pageVersions {
		page.Next = strconv.Itoa(page.Policies[n-1].Version)
	}
	page.Policies = withoutTexts(page.Policies)
	return http.StatusOK, page, nil
}

// withoutTexts are policies as lists show them: one alone is asked for its text.
func withoutTexts(all []record.Policy) []record.Policy {
	all = append([]record.Policy{}, all...)
	for i := range all {
		all[i].Text = ""
	}
	return all
}

func versionNumber(field, text string) (int, error) {
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 || v > 999999 {
		return 0, fault.Wrong(field, "reading a version: %s is %q, expected a whole number from 1 to 999999", field, text)
	}
	return v, nil
}

func (h *Handler) policyVersion(ctx context.Context, c boot.Call) (int, any, error) {
	v, err := versionNumber("version", c.PathValue("version"))
	if err != nil {
		return 0, nil, err
	}
	p, err := h.Store.PolicyVersion(ctx, c.PathValue("name"), v)
	return http.StatusOK, p, err
}

// diffPolicy shows what changed from one version to another, as a unified diff.
func (h *Handler) diffPolicy(ctx context.Context, c boot.Call) (int, any, error) {
	name := c.PathValue("name")
	var sides [2]record.Policy
	for i, field := range []string{"from", "to"} {
		v, err := versionNumber(field, c.URL.Query().Get(field))
		if err != nil {
			return 0, nil, err
		}
		if sides[i], err = h.Store.PolicyVersion(ctx, name, v); err != nil {
			return 0, nil, err
		}
	}
	side := func(p record.Policy) string { return fmt.Sprintf("%s version %d", name, p.Version) }
	return http.StatusOK, record.PolicyDiff{
		Policy: name, From: sides[0].Version, To: sides[1].Version,
		Diff: string(diff.Diff(side(sides[0]), []byte(sides[0].Text), side(sides[1]), []byte(sides[1].Text))),
	}, nil
}

// deletePolicy ends a policy that no machine is under. Its versions stay, and one that is put later goes on counting.
func (h *Handler) deletePolicy(ctx context.Context, c boot.Call) (int, any, error) {
	name := c.PathValue("name")
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	doing := "deleting policy " + name
	if err := checkReason(r, doing); err != nil {
		return 0, nil, err
	}
	if name == policy.DefaultName {
		return 0, nil, fault.New(fault.Conflict, "%s: it is built in, for machines that no other policy matches", doing)
	}
	p, err := h.Store.Policy(ctx, name)
	if err != nil {
		return 0, nil, err
	}
	if err := c.Matches(strconv.Itoa(p.Version)); err != nil {
		return 0, nil, err
	}
	if err := h.unused(ctx, name, doing); err != nil {
		return 0, nil, err
	}
	p.Deleted = &record.Lift{At: c.Now, By: c.Caller, Reason: r.Reason}
	told, err := h.policyChanged(c, name, p.Version+1, "deleted")
	if err != nil {
		return 0, nil, err
	}
	if p, err = h.Store.DeletePolicy(ctx, p, told); err != nil {
		return 0, nil, h.outdated(ctx, c, name, err)
	}
	h.start(ctx, told)
	h.Log.InfoContext(ctx, "policy deleted", boot.KeyPolicy, name, boot.KeyReason, r.Reason, "by", c.Caller)
	return http.StatusOK, p, h.Schedules.Delete(ctx, name)
}

// unused refuses while machines are enrolled under a policy, and names them.
func (h *Handler) unused(ctx context.Context, name, doing string) error {
	const named = 5
	machines, err := h.Store.Machines(ctx)
	if err != nil {
		return err
	}
	under := slices.DeleteFunc(machines, func(m record.Machine) bool { return m.Policy != name })
	if len(under) == 0 {
		return nil
	}
	text := ""
	for i, m := range under[:min(len(under), named)] {
		if i > 0 {
			text += ", "
		}
		text += m.ID
	}
	if more := len(under) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fault.New(fault.Conflict, "%s: %s enrolled under it; enrol with another policy first", doing, text)
}

// outdated is why a write came too late: for a caller who named a version the one that is there now.
func (h *Handler) outdated(ctx context.Context, c boot.Call, name string, refused error) error {
	if !fault.Is(refused, fault.Conflict) || c.Header.Get("If-Match") == "" {
		return refused
	}
	now, err := h.Store.Policy(ctx, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err := c.Matches(policyTag(now)); err != nil {
		return err
	}
	return refused
}

// policyTag is the version of a policy that is there, "" of none.
func policyTag(p record.Policy) string {
	if p.Version == 0 || p.Deleted != nil {
		return ""
	}
	return strconv.Itoa(p.Version)
}
