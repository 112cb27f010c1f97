package notice

import (
	"fmt"
	"regexp"
)

// Link is one that acts, made by Keyward: the only links that a mail has.
type Link struct {
	Does string // one sentence, with what does not follow from it
	URL  string
}

// ours is the form of the addresses of links: nothing else is put into a mail as one.
var ours = regexp.MustCompile(`^https?://[A-Za-z0-9.:-]{1,253}(/[A-Za-z0-9-]{1,64}){0,3}/a/[A-Za-z0-9_-]{43}$`)

func checkLinks(links []Link) error {
	for _, l := range links {
		if !ours.MatchString(l.URL) {
			return fmt.Errorf("rendering notice: the address of the link %q is not of the form that Keyward makes", l.Does)
		}
	}
	return nil
}

// byLink is what people can do without the command line.
func byLink(n Notice) []section {
	if len(n.Links) == 0 {
		return nil
	}
	s := section{"What you can do from here", []item{
		says("Each link opens a page that says what its button does. Following a link changes nothing; the button does, once. Whoever has this mail can use them, so do not pass it on. They end after a week, or when this is over."),
	}}
	for _, l := range n.Links {
		s.Items = append(s.Items, says(l.Does), item{Link: l.URL})
	}
	return []section{s}
}

func footerOnLinks(n Notice) string {
	if len(n.Links) > 0 {
		return "its mails contain no other links than those that are named above."
	}
	return "its mails contain no links."
}
