package handler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const storming = 5 // machines of a storm

func stormed(i int) string { return fmt.Sprintf("i-%017x", 0xa0+i) }

// stormy is a world whose machines fail one rule and were not warned.
func stormy(edits ...func(i int, m *record.Machine)) *fake.World {
	w := fake.New()
	for i := range storming {
		w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) {
			m.ID, m.State.WarnedAt, m.State.DueAt = stormed(i), time.Time{}, time.Time{}
			for _, edit := range edits {
				edit(i, m)
			}
		}))
	}
	return w
}

// ask is the execution of one machine of the storm that has its warning sent.
func ask(t *testing.T, w *fake.World, i int, now time.Time) (enforcement.Warned, error) {
	t.Helper()
	task := fake.Event[enforcement.Task](t, "notify/warn.json")
	task.Input.Machine = stormed(i)
	task.Execution = enforcement.Name(task.Input.Input, 1)
	out, err := newHandler(w).Handle(t.Context(), now, task)
	return out.(enforcement.Warned), err
}

// gather has the first machine warned and all others wait, and gives when the last of them asks again.
func gather(t *testing.T, w *fake.World) (opens time.Time) {
	t.Helper()
	for i := range storming {
		got, err := ask(t, w, i, fake.Start.Add(time.Duration(i)*time.Second))
		want := "gathering"
		if i == 0 {
			want = "warned"
		}
		if err != nil || got.Outcome != want {
			t.Fatalf("machine %d: %+v, %v, want %s", i, got, err, want)
		}
		if got.DueAt.After(opens) && i > 0 {
			opens = got.DueAt
		}
	}
	return opens
}

// The first is warned by itself; all others by one mail, each with its deadline, whoever of them asks first.
func TestAStormIsOneMail(t *testing.T) {
	t.Parallel()
	w := stormy(func(i int, m *record.Machine) {
		if i == 3 {
			m.State.OldDueAt = fake.Start.Add(-time.Hour) // it complied for a while
		}
	})
	opens := gather(t, w)
	now := opens.Add(100 * time.Millisecond)
	for _, i := range []int{2, 1, 4, 3} {
		got, err := ask(t, w, i, now)
		due := opens.Add(4*time.Hour + time.Second)
		if i == 3 {
			due = opens.Add(30*time.Minute + time.Second)
		}
		if m := w.Store.ByID[stormed(i)]; err != nil || got.Outcome != "warned" || !got.DueAt.Equal(due) || !m.State.DueAt.Equal(due) || !m.State.WarnedAt.Equal(now) {
			t.Errorf("machine %d: %+v, %v, state due %s, want due %s", i, got, err, m.State.DueAt, due)
		}
	}
	if len(w.Mail.Sent) != 2 {
		t.Fatalf("%d mails, want one of the first and one of all others", len(w.Mail.Sent))
	}
	mail := w.Mail.Sent[1]
	for i := 1; i < storming; i++ {
		if !strings.Contains(mail.Text, stormed(i)) || !strings.Contains(mail.HTML, stormed(i)) || !strings.Contains(string(mail.Files[0].Body), stormed(i)) {
			t.Errorf("the mail does not name %s:\n%s", stormed(i), mail.Text)
		}
	}
	if strings.Contains(mail.Text, stormed(0)) || !slices.Equal(mail.To, []string{fake.Owner, "ops@example.com"}) || mail.Tags[delivery.TagMachine] != stormed(2) {
		t.Errorf("to %v, tags %v:\n%s", mail.To, mail.Tags, mail.Text)
	}
	first := w.Store.Told[enforcement.Prefix(stormed(2), 2)+"enforce-1/warning"]
	if len(first.With) != 3 || first.MessageID != "message-2" {
		t.Errorf("the notice that events name = %+v, want the other three with it", first)
	}
	if n := len(w.Store.Kinds()); n != storming {
		t.Errorf("%d lines in the ledger, want one of each machine", n)
	}
}

// A thousand machines that fail one rule are two mails, and the second is no longer than mail programs show.
func TestAThousandMachines(t *testing.T) {
	t.Parallel()
	w := fake.New()
	for i := range 1000 {
		w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) {
			m.ID, m.State.WarnedAt, m.State.DueAt = stormed(i), time.Time{}, time.Time{}
		}))
	}
	for i := range 1000 {
		if got, err := ask(t, w, i, fake.Start.Add(time.Duration(i)*50*time.Millisecond)); err != nil || got.AcceptedAt.IsZero() != (i > 0) {
			t.Fatalf("machine %d: %+v, %v", i, got, err)
		}
	}
	now := fake.Start.Add(3 * time.Minute)
	for i := range 1000 {
		if got, err := ask(t, w, i, now); err != nil || got.Outcome != "warned" {
			t.Fatalf("machine %d: %+v, %v", i, got, err)
		}
	}
	if len(w.Mail.Sent) != 2 || len(w.Mail.Sent[1].HTML) > 102_000 {
		t.Fatalf("%d mails, the last of %d bytes, want 2 and at most 102,000", len(w.Mail.Sent), len(w.Mail.Sent[len(w.Mail.Sent)-1].HTML))
	}
	mail := w.Mail.Sent[1]
	if rows := strings.Count(string(mail.Files[0].Body), "\r\n"); rows != 1000 {
		t.Errorf("the file has %d rows, want a heading and 999 machines", rows)
	}
	for i := 1; i < 1000; i++ {
		if !strings.Contains(mail.Text, stormed(i)) || !strings.Contains(mail.HTML, stormed(i)) {
			t.Fatalf("the mail does not name %s", stormed(i))
		}
	}
}

// Who complies again, was changed, belongs to others by now or is warned already is not in the mail.
func TestWhoIsNotWarnedWithOthers(t *testing.T) {
	t.Parallel()
	w := stormy()
	opens := gather(t, w)
	for i, edit := range map[int]func(*record.Machine){
		2: func(m *record.Machine) { m.State.Generation++ },
		3: func(m *record.Machine) { m.Owner = "other@example.com" },
		4: func(m *record.Machine) { m.State.WarnedAt, m.State.DueAt = fake.Start, fake.Start.Add(time.Hour) },
	} {
		m := w.Store.ByID[stormed(i)]
		edit(&m)
		w.Store.Put(m)
	}
	if got, err := ask(t, w, 1, opens); err != nil || got.Outcome != "warned" {
		t.Fatalf("the one that is left: %+v, %v", got, err)
	}
	if mail := w.Mail.Sent[1]; len(mail.Files) > 0 || !strings.Contains(mail.Text, stormed(1)) {
		t.Errorf("one that is left gets a mail of its own: %s", mail.Text)
	}
	if got, err := ask(t, w, 3, opens); err != nil || got.Outcome != "warned" || w.Mail.Sent[2].To[0] != "other@example.com" {
		t.Errorf("the one of another owner: %+v, %v, mails to %v", got, err, w.Mail.Sent)
	}
}

// Whatever is cut off on the way, everybody is warned, of the deadline that the first mail named, and a mail that was accepted and
// recorded is not sent again.
func TestAStormIsCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call  string
		times int // it goes well before
		mails int // of all others in the end
	}{
		"before it was begun":        {"store.BeginNotice", 0, 1},
		"while it was begun":         {"store.BeginNotice", 2, 1},
		"before others were noted":   {"store.EndNotice", 0, 1},
		"SES did not answer":         {"ses.Send", 0, 1},
		"while it was noted":         {"store.EndNotice", 2, 2}, // of those that were not
		"before a grace was started": {"store.Apply", 0, 1},
		"between two graces":         {"store.Apply", 2, 1},
		"before the end":             {"store.PutStorm", 1, 1},
	} {
		w := stormy()
		opens := gather(t, w)
		errs := make([]error, c.times+1)
		errs[c.times] = fake.Down
		w.Fail(c.call, errs...)
		if _, err := ask(t, w, 1, opens); err == nil {
			t.Errorf("%s: it went well", name)
		}
		for i := 1; i < storming; i++ {
			got, err := ask(t, w, i, opens.Add(time.Minute))
			for range 10 { // until the leader that was lost is given up
				if err == nil && got.Outcome == "gathering" {
					got, err = ask(t, w, i, got.DueAt)
				}
			}
			counts := opens
			if c.call == "store.BeginNotice" && i > c.times {
				counts = opens.Add(time.Minute) // nothing was begun before
			}
			if err != nil || got.Outcome != "warned" || !got.DueAt.Equal(counts.Add(4*time.Hour)) {
				t.Errorf("%s: machine %d: %+v, %v, want the deadline that counts from %s", name, i, got, err, counts)
			}
		}
		if n := len(w.Mail.Sent) - 1; n != c.mails {
			t.Errorf("%s: %d mails, want %d", name, n, c.mails)
		}
	}
}

// SES says no: nothing was promised, and the grace counts whole from the mail that it takes.
func TestAStormIsRefused(t *testing.T) {
	t.Parallel()
	w := stormy()
	opens := gather(t, w)
	w.Fail("ses.Send", fake.AWS(fault.Transient, "TooManyRequestsException"))
	_, err := ask(t, w, 1, opens)
	fake.Kind(t, err, fault.Transient)
	for i := 1; i < storming; i++ {
		if m := w.Store.ByID[stormed(i)]; !m.State.WarnedAt.IsZero() {
			t.Errorf("machine %d counts as warned", i)
		}
	}
	later := opens.Add(3 * time.Minute) // the first leader is given up, so that another leads
	got, err := ask(t, w, 4, later)
	if err != nil || !got.DueAt.Equal(later.Add(4*time.Hour)) || len(w.Mail.Sent) != 2 {
		t.Errorf("another leader: %+v, %v, %d mails", got, err, len(w.Mail.Sent))
	}
}

// A state machine of an earlier version cannot wait: its warning goes by itself.
func TestAnOldExecutionDoesNotWait(t *testing.T) {
	t.Parallel()
	w := stormy()
	for i := range 2 {
		task := fake.Event[enforcement.Task](t, "notify/warn.json")
		task.Input.Machine, task.Gathers = stormed(i), false
		task.Execution = enforcement.Name(task.Input.Input, 1)
		if out, err := newHandler(w).Handle(t.Context(), fake.Start, task); err != nil || out.(enforcement.Warned).Outcome != "warned" {
			t.Errorf("machine %d: %+v, %v", i, out, err)
		}
	}
	w.Never(t, "store.JoinStorm")
}

// What cannot be read or written is an error, so that the task is tried again; a group that others change all the time is too.
func TestAGroupCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Storm", "store.PutStorm"} {
		w := stormy()
		w.Fail(call, fake.Down)
		if _, err := ask(t, w, 0, fake.Start); err == nil {
			t.Errorf("%s fails: it went well", call)
		}
	}
	for _, call := range []string{"store.JoinStorm", "store.InStorm"} {
		w := stormy()
		opens := gather(t, w)
		w.Fail(call, fake.Down)
		if _, err := ask(t, w, 1, opens); err == nil {
			t.Errorf("%s fails: it went well", call)
		}
	}
	w := stormy()
	w.Always("store.PutStorm", fault.New(fault.Conflict, "writing: it was changed"))
	_, err := ask(t, w, 0, fake.Start)
	fake.Kind(t, err, fault.Transient)
	w.Never(t, "ses.")
}
