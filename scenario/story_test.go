package scenario_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/record"
)

// view is the machine as people see it.
func (w *world) view() record.MachineView {
	w.t.Helper()
	var v record.MachineView
	w.operator.must("GET", "/v1/machines/"+machineID, nil, &v)
	return v
}

// check asks for an inspection and lets everything that follows at once happen.
func (w *world) check() record.MachineView {
	w.t.Helper()
	w.operator.must("POST", "/v1/machines/"+machineID+"/check", nil, nil)
	w.settle()
	return w.view()
}

// violate opens the forbidden port, has it found and returns the deadline.
func (w *world) violate() time.Time {
	w.t.Helper()
	w.guest.listen(port)
	v := w.check()
	w.wantStanding("Bad")
	if v.Machine.State.DueAt.IsZero() {
		w.t.Fatalf("no deadline after the warning; held for %q", v.Machine.State.HeldFor)
	}
	return v.Machine.State.DueAt
}

// correct closes the port and has that found.
func (w *world) correct() record.MachineView {
	w.t.Helper()
	w.guest.listen()
	return w.check()
}

func (w *world) settle() { w.t.Helper(); w.forward(0) }

func (w *world) forward(d time.Duration) {
	w.t.Helper()
	if err := w.Clock().Forward(context.Background(), d); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) until(at time.Time) {
	w.t.Helper()
	if err := w.Clock().ForwardTo(context.Background(), at); err != nil {
		w.t.Fatal(err)
	}
}

// fault asks for a fault; clear ends all of them.
func (w *world) fault(f faults.Fault) { w.t.Helper(); control(w.t, w.Server, "POST", "faults", f, nil) }

func (w *world) clear() { w.t.Helper(); control(w.t, w.Server, "DELETE", "faults", nil, nil) }

// ledger is everything that was done about the machine, oldest first.
func (w *world) ledger() []record.Entry {
	w.t.Helper()
	var out struct{ Entries []record.Entry }
	w.operator.must("GET", "/v1/machines/"+machineID+"/ledger", nil, &out)
	slices.Reverse(out.Entries)
	return out.Entries
}

func (w *world) entries(kind record.EntryKind) []record.Entry {
	w.t.Helper()
	return slices.DeleteFunc(w.ledger(), func(e record.Entry) bool { return e.Kind != kind })
}

// mail is one message in the mailbox.
type mail struct {
	At                  time.Time
	To                  []string
	Subject, Text, HTML string
	Headers             []struct{ Name, Value string }
	Attachments         []struct{ Name string }
}

// reference is the same for a mail that is sent again; its end is the kind of notice.
func (m mail) reference() string {
	for _, h := range m.Headers {
		if h.Name == "X-Keyward-Reference" {
			return h.Value
		}
	}
	return ""
}

func (m mail) kind() string { return m.reference()[strings.LastIndex(m.reference(), "/")+1:] }

// besides are the kinds of notices that follow no judgement and no key: that a deadline is near, and what people did. mails
// leaves them out, so that a story's mails are those of its steps.
var besides = []string{"dueSoon", "waived", "policyChanged"}

func (w *world) mails() []mail {
	w.t.Helper()
	return slices.DeleteFunc(w.allMails(), func(m mail) bool { return slices.Contains(besides, m.kind()) })
}

func (w *world) allMails() []mail {
	w.t.Helper()
	var all []mail
	control(w.t, w.Server, "GET", "mail", nil, &all)
	return all
}

func (w *world) kinds() []string {
	w.t.Helper()
	kinds := []string{}
	for _, m := range w.mails() {
		kinds = append(kinds, m.kind())
	}
	return kinds
}
