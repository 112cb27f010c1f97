package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// everywhere are all pages with what each has to show.
var everywhere = map[string][]string{
	"/":                                       {"2 machines", `Bad <strong>1</strong>`, `Good <strong>1</strong>`, `Released <strong>1</strong>`, `Revoked <strong>1</strong>`, "in 3 h 12 min", "0 to be revoked within 6 h, 1 held", "a person stopped the revocations of this policy", "room for 4 of 5", "1 request to decide", "policy:web-tier", "the move", "good", "11.2", "Account 123456789012 in eu-central-1", "0 s ago"},
	"/machines":                               {machineID, "shop", "till", "in 3 h 12 min", "1 d 2 h ago", "2 machines", "a person stopped the revocations of this machine"},
	"/machines/" + machineID:                  {"Key due in 3 h 12 min", "no telnet", "tcp/23 closed", "Stop telnetd", "tcp/23, /usr/sbin/telnetd", "ada@example.com", "bounced: no such mailbox", "reminder to ada@example.com, not accepted by SES", "the key was released", "2 passed, 1 failed", "2 looks since", "r-1", "a person stopped the revocations of this machine"},
	"/requests":                               {"r-1", "shop", "the policy has a person decide", "1 request to decide"},
	"/requests?state=Delivered":               {"r-2", "1 request, newest first"},
	"/requests/" + machineID + "/r-1":         {"Pending", "it asked", "Approve", "Deny"},
	"/requests/i-2234567890abcdef0/r-2":       {"Delivered", "a decision about the request takes nothing"},
	"/policies":                               {"web-tier", "ada", "2026-03-02 03:00:00 UTC"},
	"/policies/web-tier":                      {"Version 2", "# two", "from version 1 to 2"},
	"/policies/web-tier?version=1":            {"Version 1, not the newest"},
	"/policies/web-tier/diff?from=1&to=2":     {"<ins>&#43;# two</ins>"},
	"/policies/web-tier/edit":                 {"# two", `name="over" value="2"`},
	"/new-policy":                             {"policy: NAME"},
	"/exceptions":                             {"policy:web-tier", "the move", "w-aaaaaaaaaaaa", "global stage=test", "the lab"},
	"/exceptions?all=1":                       {"Only those that stand"},
	"/breaker":                                {"Closed", "At most <strong>5</strong>", "no telnet", "too many"},
	"/reports":                                {"Make a report", "None yet.", "the month before"},
	"/audit":                                  {"Show its ledger"},
	"/audit?machine=" + machineID:             {"the chain is whole", "2 entries", "warned", "the key was released"},
	"/machines?q=SHOP&standing=Bad&sort=-due": {"1 of 2 machines", `aria-sort="descending"`},
	"/machines?key=Revoked&follows=held&page=9": {"till", "1 of 2 machines"},
	"/machines?standing=Unknown":                {"No machine fits."},
	"/notices":                                  {"somebody asks by a link of a mail", `<td class="nowrap">the stack</td><td>no</td>`, `<td class="nowrap">a machine</td><td>yes</td>`, `<option value="i-2234567890abcdef0">till</option>`, `<a href="/notifiers/shop-ops"><bdi>shop-ops</bdi></a>`, "warning, revoked of web-tier", "after 1h; quiet 22:00 to 06:00 Europe/Berlin"},
	"/notifiers/shop-ops":                       {"Notifier", "Version 3", "2026-03-02 11:00:00 UTC", "by <bdi>ada", "Those on duty", "warning, revoked of web-tier", "ops@example.com, https://hooks.example.com (slack)", "after 1h; quiet 22:00 to 06:00 Europe/Berlin", "events: [warning, revoked]", "the stored address stays"},
	"/notifiers/shop-ops/edit":                  {"Edit notifier", "events: [warning, revoked]", `name="over" value="3"`, "Store it over version 3", `data-of="notifier"`, "another secret"},
	"/new-notifier":                             {"New notifier", "notifier: NAME", "administrators alone"},
	"/notices?event=warning":                    {"warning, an example", "i-1234567890abcdef0 (web-1) does not comply", "Stop it: systemctl disable --now nginx", "Machine and policy are examples."},
	"/notices?event=dueSoon&screen=narrow&colours=dark&machine=" + machineID: {
		"Stop telnetd", "in 3 hours", `class="mail in-narrow in-dark"`, `sandbox=""`, `src="/notices/mail?colours=dark&amp;event=dueSoon&amp;machine=` + machineID, `title="The HTML mail dueSoon of ` + machineID + `"`,
	},
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	for path, texts := range everywhere {
		w := b.get(path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d: %s", path, w.Code, text(w.Body.String()))
			continue
		}
		wants(t, path, w.Body.String(), texts...)
		wants(t, path, w.Body.String(), `<html lang="en">`, `class="skip"`, `<main id="main"`, `aria-current="page"`, "<h1>")
		if strings.Contains(w.Body.String(), "<no value>") || strings.Contains(w.Body.String(), "%!") {
			t.Errorf("%s: a part of the page has no value", path)
		}
	}
	if called := b.api.orders(); len(called) > 0 {
		t.Errorf("looking did %v", called)
	}
}

var (
	ids     = regexp.MustCompile(` id="([^"]*)"`)
	labels  = regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby)="([^"]*)"`)
	inline  = regexp.MustCompile(`(?i) (?:style|on[a-z]+)=|<script>|<style|javascript:`)
	outside = regexp.MustCompile(`(?:src|href|action|formaction)="(?:https?:)?//`)
)

// TestMarkup: ids are there once and for what points to them, nothing is inline, nothing comes from elsewhere.
func TestMarkup(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	for path := range everywhere {
		page := b.get(path).Body.String()
		there := map[string]bool{}
		for _, m := range ids.FindAllStringSubmatch(page, -1) {
			if there[m[1]] {
				t.Errorf("%s: id %q twice", path, m[1])
			}
			there[m[1]] = true
		}
		for _, m := range labels.FindAllStringSubmatch(page, -1) {
			if !there[m[1]] {
				t.Errorf("%s: nothing has the id %q", path, m[1])
			}
		}
		if found := inline.FindString(page); found != "" {
			t.Errorf("%s: %q is inline", path, found)
		}
		if found := outside.FindString(page); found != "" {
			t.Errorf("%s: %q leads elsewhere", path, found)
		}
	}
}

func TestNotThere(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	for path, want := range map[string]int{
		"/nothing": 404, "/machines/i-none": 404, "/requests/i-none/r": 404, "/policies/none": 404, "/notifiers/none": 404, "/notifiers/none/edit": 404, "/policies/none/edit": 404, "/policies/web-tier?version=9": 404,
		"/assets/none.css": 404, "/assets/": 404, "/machines/i-none/evidence.json": 404, "/machines/" + machineID + "/evidence.json": 404,
	} {
		if w := b.get(path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	for _, path := range []string{"/machines/" + machineID + "/explode", "/requests/explode", "/requests/" + machineID + "/r-1/explode", "/exceptions/explode", "/nothing"} {
		if w := b.post(path, "reason", "x"); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
	for _, file := range []string{"console.css", "console.js", "icon.svg"} {
		if w := b.get("/assets/" + file); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: %d", file, w.Code)
		}
	}
}
