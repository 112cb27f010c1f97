package ses_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	p.Suppress("gone@example.org", ses.Bounce)
	send(t, p, plain())
	state, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := newPost(t, wire.Function)
	if err := again.Load(state); err != nil {
		t.Fatal(err)
	}
	id := send(t, again, plain(func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"gone@example.org"} }))
	all := again.Mail()
	if len(all) != 2 || all[0].ID != p.Mail()[0].ID || all[1].ID != id || all[1].Outcomes[0].Delivered {
		t.Errorf("mail after Load = %+v", all)
	}
	if err := again.Load(json.RawMessage("[")); err == nil {
		t.Error("Load of what is no state = nil, want an error")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	send(t, p, plain())
	before := p.Mail()
	for name, state := range map[string]string{
		"no state": "[", "another shape": `{"messages":1}`, "no id": `{"messages":[{}]}`, "an id twice": `{"messages":[{"id":"a"},{"id":"a"}]}`,
	} {
		if err := p.Load(json.RawMessage(state)); err == nil {
			t.Errorf("Load of %s = nil, want an error", name)
		}
	}
	if err := p.Load(nil); err != nil {
		t.Errorf("Load of nothing: %v", err)
	}
	if diff := cmp.Diff(ids(before), ids(p.Mail())); diff != "" {
		t.Errorf("mails after refused states (-want +got):\n%s", diff)
	}
	if err := p.Load(json.RawMessage("{}")); err != nil || len(p.Mail()) != 0 {
		t.Errorf("Load of an empty state = %v, %d mails", err, len(p.Mail()))
	}
	p.Suppress("gone@example.org", ses.Bounce) // there is a list to write to
}

func ids(mails []ses.Message) (all []string) {
	for _, m := range mails {
		all = append(all, m.ID)
	}
	return all
}
