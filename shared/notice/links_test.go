package notice_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/notice"
)

const token = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

// Text and HTML have each link once, and nothing else is one.
func TestLinks(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:4566/execute-api/LinksApi/a/" + token
	m, err := notice.Render(base(notice.Warning, due, func(n *notice.Notice) {
		n.Links = []notice.Link{{Does: "Look now:", URL: url}}
	}), now)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(m.Text, "\n"+url+"\n") != 1 || strings.Count(m.HTML, `href="`+url+`">`+url+"</a>") != 1 || strings.Count(m.HTML, "<a ") != 1 {
		t.Errorf("the link is not there once:\n%s\n%s", m.Text, m.HTML)
	}
	if strings.Contains(m.Text, "contain no links") || !strings.Contains(oneLine(m.Text), "contain no other links") {
		t.Error("the footer says that there are no links")
	}
	without, err := notice.Render(base(notice.Warning, due), now)
	if err != nil || strings.Contains(without.HTML, "<a ") || !strings.Contains(oneLine(without.Text), "contain no links") {
		t.Errorf("without links (%v):\n%s", err, without.Text)
	}
}

func TestLinksOfAnotherFormAreRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "javascript:alert(1)", "https://evil.example/", "https://evil.example/a/" + token + "?x=1", "https://evil.example/a/" + token + "\n",
		"https://user@evil.example/a/" + token, "https://evil.example/a/" + token[:42], `https://evil.example/"><script>/a/` + token,
	} {
		_, err := notice.Render(base(notice.Warning, due, func(n *notice.Notice) { n.Links = []notice.Link{{Does: "x", URL: url}} }), now)
		if err == nil || !strings.Contains(err.Error(), "not of the form") {
			t.Errorf("a link to %q: %v, want it refused", url, err)
		}
	}
}
