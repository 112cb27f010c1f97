package handler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/removal"
)

// waiting is CloudFormation at the other end of the response URL.
type waiting struct {
	url    string
	got    removal.Response
	answer error
	live   bool // there was time left to answer in
}

func (w *waiting) Reply(ctx context.Context, url string, r removal.Response) error {
	w.url, w.got, w.live = url, r, ctx.Err() == nil
	return w.answer
}

func ask(t *testing.T, w *fake.World, event string, edits ...func(*Handler)) *waiting {
	t.Helper()
	c := &waiting{}
	h := &Handler{Store: w.Store, Reply: c, Log: w.Log}
	for _, e := range edits {
		e(h)
	}
	r := fake.Event[removal.Request](t, "removal/"+event)
	got, err := h.Handle(t.Context(), fake.Start, r)
	if err != nil || got != c.got || c.url != r.ResponseURL || got.RequestID != r.RequestID || got.StackID != r.StackID || got.PhysicalResourceID != removal.PhysicalID {
		t.Fatalf("%s: answered %+v at %s, %v", event, c.got, c.url, err)
	}
	return c
}

func pending() *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }))
	return w
}

// Creating and updating asks nobody: a store that is away keeps no deployment from going through.
func TestDeployed(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"create.json", "update.json"} {
		w := pending()
		if got := ask(t, w, event).got; got.Status != removal.Success || got.Reason != "" {
			t.Errorf("%s: %+v, want success", event, got)
		}
		w.Never(t, "store.Machines", "store.Policies", "store.Outbox")
	}
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	if got := ask(t, fake.New(), "delete.json").got; got.Status != removal.Success {
		t.Errorf("with nothing pending: %+v", got)
	}
	got := ask(t, pending(), "delete.json").got
	if got.Status != removal.Failed || !strings.Contains(got.Reason, fake.ID+" has a revoked key") {
		t.Errorf("with a revoked key: %+v, want a refusal that names the machine", got)
	}
	w := fake.New()
	w.Store.Put(fake.Machine(fake.Bad))
	w.Store.PutPolicyText("policy: web-tier\nnonsense: true\n")
	if got := ask(t, w, "delete.json").got; got.Status != removal.Failed || !strings.Contains(got.Reason, "pending") {
		t.Errorf("with a policy that cannot be read: %+v, want a refusal", got)
	}
}

func TestWhatIsNotKnownRefuses(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machines", "store.Policies", "store.Outbox"} {
		w := fake.New()
		w.Always(call, fake.Down)
		got := ask(t, w, "delete.json").got
		if got.Status != removal.Failed || !strings.Contains(got.Reason, "could not be read") || !strings.Contains(got.Reason, "--retain-resources Removal") {
			t.Errorf("without %s: %+v, want a refusal that says so", call, got)
		}
	}
	broken := func(h *Handler) { h.Store, h.Broken = nil, errors.New("reading TABLE_NAME: it is not set") }
	if got := ask(t, fake.New(), "delete.json", broken).got; got.Status != removal.Failed || strings.Contains(got.Reason, "TABLE_NAME") {
		t.Errorf("a function that is not set up: %+v, want a refusal without what is for the log", got)
	}
	if got := ask(t, fake.New(), "create.json", broken).got; got.Status != removal.Success {
		t.Errorf("a function that is not set up, created: %+v", got)
	}
	c := &waiting{}
	if got, err := (&Handler{Reply: c, Log: fake.New().Log}).Handle(t.Context(), fake.Start, removal.Request{RequestType: "Read"}); err != nil || got.Status != removal.Failed {
		t.Errorf("an unknown request: %+v, %v, want a refusal", got, err)
	}
}

// stuck is a store that never answers.
type stuck struct{ records }

func (stuck) Machines(ctx context.Context) ([]record.Machine, error) {
	<-ctx.Done()
	return nil, fake.Down
}

// Reading ends before the function does, so that there is an answer whatever the store does.
func TestTheAnswerHasItsTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(reserve)) // no time for reading
	defer cancel()
	c := &waiting{}
	got, err := (&Handler{Store: stuck{}, Reply: c, Log: fake.New().Log}).Handle(ctx, fake.Start, fake.Event[removal.Request](t, "removal/delete.json"))
	if err != nil || got.Status != removal.Failed || !c.live {
		t.Errorf("Handle = %+v, %v, answered in time: %t", got, err, c.live)
	}
}

// An answer that did not arrive is an error, so that Lambda has it tried again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	c := &waiting{answer: fake.Down}
	if _, err := (&Handler{Reply: c, Log: fake.New().Log}).Handle(t.Context(), fake.Start, fake.Event[removal.Request](t, "removal/create.json")); !errors.Is(err, fake.Down) {
		t.Errorf("Handle = %v, want the error", err)
	}
}
