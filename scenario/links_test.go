package scenario_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/record"
)

var linked = setup{limits: map[string]string{"ActionLinks": "on"}}

// links are those of the last mail of a kind, in the order of the mail: check, hold, onIt, askWaiver.
func (w *world) links(kind string) []string {
	w.t.Helper()
	text := w.mailText(kind)
	found := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(w.URL())+`/execute-api/LinksApi/a/[A-Za-z0-9_-]{43}$`).FindAllString(text, -1)
	if len(found) != 4 {
		w.t.Fatalf("the mail %s has the links %v, want four:\n%s", kind, found, text)
	}
	return found
}

// visit makes an unsigned request, as a browser or a mail scanner does.
func (w *world) visit(method, address string, form url.Values) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "null") // what browsers send of a page without referrer
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	out, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.StatusCode, string(body)
}

// press follows a link and uses the button of its page.
func (w *world) press(address string) (int, string) {
	w.t.Helper()
	status, page := w.visit(http.MethodGet, address, nil)
	token := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page)
	if status != http.StatusOK || token == nil {
		w.t.Fatalf("the page of a link: %d\n%s", status, page)
	}
	return w.visit(http.MethodPost, address, url.Values{"token": {html.UnescapeString(token[1])}})
}

func TestALinkHoldsForAnHour(t *testing.T) {
	t.Parallel()
	w := begin(t, linked)
	due := w.violate()
	hold := w.links("warning")[1]
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet, http.MethodOptions} { // a scanner
		w.visit(method, hold, nil)
	}
	if status, _ := w.visit(http.MethodPost, hold, nil); status != http.StatusBadRequest {
		t.Errorf("without the form's token: %d", status)
	}
	if v := w.view(); len(v.Holds) != 0 || len(w.entries(record.EntryLink)) != 0 {
		t.Fatalf("a scanner set holds %v and wrote %v", v.Holds, w.entries(record.EntryLink))
	}
	if status, page := w.press(hold); status != http.StatusOK {
		t.Fatalf("the button: %d\n%s", status, page)
	}
	end := due.Add(time.Hour)
	if v := w.view(); len(v.Holds) != 1 || !v.Holds[0].Expires.Equal(end) || !strings.HasPrefix(v.Holds[0].By, "link of the mail to ") {
		t.Errorf("holds are %v, want one by the link until %s", v.Holds, end)
	}
	if status, _ := w.visit(http.MethodPost, hold, url.Values{"token": {hold[strings.LastIndex(hold, "/")+1:]}}); status != http.StatusGone {
		t.Errorf("a second time: %d", status)
	}
	w.until(end.Add(-time.Second))
	w.wantHeld("held-machine")
	w.wantKept()
	w.until(end.Add(7 * time.Minute))
	w.wantRevoked(end)
}

func TestALinkHasAMachineLookedAt(t *testing.T) {
	t.Parallel()
	w := begin(t, linked)
	w.violate()
	check := w.links("warning")[0]
	w.guest.listen() // put right: nobody knows
	if status, page := w.press(check); status != http.StatusOK {
		t.Fatalf("the button: %d\n%s", status, page)
	}
	w.forward(3 * time.Minute)
	w.wantStanding("Good")
	w.wantKept()
	w.wantMails("warning", "stoodDown")
	if status, page := w.visit(http.MethodGet, w.links("warning")[1], nil); status != http.StatusGone || !strings.Contains(page, "This is over") {
		t.Errorf("another link of the mail: %d\n%s", status, page)
	}
}

func TestALinkThatIsReplayedActsOnce(t *testing.T) {
	t.Parallel()
	w := begin(t, linked)
	due := w.violate()
	all := w.links("warning")
	form := func(address string) url.Values {
		return url.Values{"token": {address[strings.LastIndex(address, "/")+1:]}}
	}
	var at sync.WaitGroup
	good := make(chan int, 4)
	for range 4 {
		at.Go(func() {
			status, _ := w.visit(http.MethodPost, all[3], form(all[3]))
			good <- status
		})
	}
	at.Wait()
	close(good)
	done := 0
	for status := range good {
		if status == http.StatusOK {
			done++
		}
	}
	if n := len(w.entries(record.EntryLink)); done != 1 || n != 1 {
		t.Errorf("four at once: %d did it, with %d entries", done, n)
	}
	if status, _ := w.press(all[2]); status != http.StatusOK || len(w.entries(record.EntryLink)) != 2 {
		t.Errorf("on it: %d", status)
	}
	if status, _ := w.visit(http.MethodPost, all[0][:len(all[0])-1]+"~", nil); status != http.StatusBadRequest {
		t.Errorf("a forged one: %d", status)
	}
	w.until(due.Add(time.Minute))
	w.wantRevoked(due) // asking stops nothing
	w.wantMails("warning", "waiverAsked", "revoked")
	w.wantText("waiverAsked", "Nothing is waived by that")
}

func TestWithoutTheParameterMailsHaveNoLinks(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.violate()
	if text := w.mailText("warning"); strings.Contains(text, "/a/") || strings.Contains(text, w.URL()) {
		t.Errorf("the mail has a link:\n%s", text)
	}
	if status, _ := w.visit(http.MethodGet, w.URL()+"/execute-api/LinksApi/a/"+strings.Repeat("A", 43), nil); status != http.StatusNotFound {
		t.Errorf("the route is there: %d", status)
	}
}

// mailText is the text of the last mail of a kind.
func (w *world) mailText(kind string) string {
	w.t.Helper()
	text := ""
	for _, m := range w.mails() {
		if m.kind() == kind {
			text = m.Text
		}
	}
	return text
}
