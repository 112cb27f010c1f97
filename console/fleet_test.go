package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// slow is an API whose pages of machines come when the test says so.
type slow struct {
	*api
	pages chan struct{}
	asked int
	stuck bool // its pages do not go on
}

func (s *slow) MachinePage(ctx context.Context, after string) (record.MachinePage, error) {
	s.asked++
	if s.pages != nil {
		<-s.pages
	}
	page, err := s.api.MachinePage(ctx, after)
	if s.stuck {
		page.Next = after
		if after == "" {
			page.Next = page.Machines[0].ID
		}
	}
	return page, err
}

// TestReading: a page does not wait for a long list, says how far reading it is, and is there when it was read.
func TestReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{api: place(), pages: make(chan struct{})}
		s.pageSize = 1
		b := openWith(t, s, s.api)
		s.pages <- struct{}{}
		synctest.Wait()
		begun := time.Now()
		w := b.get("/machines")
		if took := time.Since(begun); took > 200*time.Millisecond || w.Code != http.StatusOK {
			t.Errorf("%d after %s", w.Code, took)
		}
		wants(t, "reading", w.Body.String(), "Reading the machines", "1 were read so far", `http-equiv="refresh"`, "Machines are being read: 1 so far")
		wants(t, "reading", b.get("/").Body.String(), "Reading the machines")
		wants(t, "reading", b.get("/requests").Body.String(), "Reading the machines")
		close(s.pages)
		synctest.Wait()
		page := b.get("/machines").Body.String()
		wants(t, "read", page, "2 machines", "shop")
		if strings.Contains(page, "http-equiv") {
			t.Error("the page is still loaded again and again")
		}
	})
}

// TestAge: lists are read again when they are old and somebody looks, and after an order; their age is shown.
func TestAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{api: place()}
		b := openWith(t, s, s.api)
		b.get("/machines")
		first := s.asked
		time.Sleep(2 * time.Second)
		wants(t, "young lists", b.get("/machines").Body.String(), "as of <strong>2 s ago</strong>", "2026-03-02 12:00:02 UTC")
		if s.asked != first {
			t.Errorf("young lists were read again: %d calls", s.asked)
		}
		time.Sleep(time.Hour)
		if s.asked != first {
			t.Errorf("nobody looked, and lists were read: %d calls", s.asked)
		}
		wants(t, "old lists", b.get("/machines").Body.String(), "as of <strong>0 s ago</strong>")
		if s.asked != first+1 {
			t.Errorf("old lists were read %d times", s.asked-first)
		}
		b.follow(b.post("/exceptions/lift", "scope", "global", "reason", "x"))
		if s.asked != first+2 {
			t.Errorf("after an order lists were read %d times", s.asked-first-1)
		}
		s.stuck = true
		time.Sleep(time.Minute)
		wants(t, "pages that do not go on", b.get("/machines").Body.String(), "They could not be read anew", "the pages do not go on", "1 min ago")
	})
}

// TestSlowLists: lists that take long are read a tenth of the time at most.
func TestSlowLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{api: place(), pages: make(chan struct{})}
		b := openWith(t, s, s.api)
		time.Sleep(20 * time.Second)
		s.pages <- struct{}{}
		synctest.Wait()
		time.Sleep(3 * time.Minute)
		b.get("/machines")
		synctest.Wait()
		if s.asked != 1 {
			t.Errorf("read %d times in 200 s, each of which takes 20 s", s.asked)
		}
		time.Sleep(time.Minute)
		b.get("/machines")
		synctest.Wait()
		if s.asked != 2 {
			t.Errorf("read %d times in 260 s", s.asked)
		}
		close(s.pages)
	})
}

// many is a place with ten thousand machines, of which each third fails and each tenth asks for its key.
func many() *api {
	const machines = 10000
	a := place()
	v := a.views[0]
	a.views, a.requests = nil, nil
	for i := range machines {
		m := v
		m.Machine.ID, m.Machine.Name = fmt.Sprintf("i-%017x", i+1), fmt.Sprintf("web-%05d.eu-central-1.compute.internal", i)
		if i%3 > 0 {
			m.Machine.State = integrity.State{Standing: integrity.Good, Key: integrity.KeyReleased, LastEvidence: noon.Add(-time.Duration(i) * time.Minute)}
		} else {
			m.Machine.State.DueAt = noon.Add(time.Duration(i) * 10 * time.Second)
		}
		a.views = append(a.views, m)
		if i%10 == 0 {
			a.requests = append(a.requests, record.Request{ID: fmt.Sprintf("r-%d", i), Machine: m.Machine.ID, State: "Pending", Reason: "the policy has a person decide", AskedAt: noon})
		}
	}
	return a
}

// large are pages about ten thousand machines, with what they have to show.
var large = map[string][]string{
	"/":                                  {"10000 machines", "Bad <strong>3334</strong>", "1000 requests to decide", "All, 3322 more"},
	"/machines":                          {"10000 machines, 1 to 50", "page 1 of 200"},
	"/machines?sort=-due&page=150":       {"10000 machines, 7451 to 7500"},
	"/machines?q=web-0999&standing=Good": {"6 of 10000 machines"},
	"/machines/" + "i-00000000000000001": {"no telnet"},
	"/requests?page=20":                  {"1000 requests to decide", "page 20 of 20", "r-9990"},
	"/policies":                          {"10000"},
}

// TestTenThousand machines make no page large. How long pages take says BenchmarkTenThousand.
func TestTenThousand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // so that the lists are there at once, however slow the host is
		b := open(t, many())
		for path, texts := range large {
			w := b.get(path)
			wants(t, path, w.Body.String(), texts...)
			if w.Body.Len() > mostPage {
				t.Errorf("%s has %d bytes", path, w.Body.Len())
			}
		}
	})
}

// BenchmarkTenThousand fails when a page takes longer than people should wait.
func BenchmarkTenThousand(b *testing.B) {
	const longest = 200 * time.Millisecond
	page := open(b, many())
	for path := range large {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				page.get(path)
			}
			if each := b.Elapsed() / time.Duration(b.N); each > longest {
				b.Errorf("%s took %s", path, each)
			}
		})
	}
}
