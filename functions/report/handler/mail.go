package handler

import (
	"bytes"
	"context"
	_ "embed" // the template
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// NoticeMachine is the machine of reports' mails in the table: they are about none.
const NoticeMachine = "report"

const kind = "report"

// maxAttached are the bytes that are attached to a mail: SES takes 40 MB with what base64 adds, many mailboxes 10.
const maxAttached = 7 << 20

// mail sends what was made, once: a mail that was accepted is not sent again.
func (h *Handler) mail(ctx context.Context, now time.Time, o report.Order, r report.Report, made Made, files []sesmail.File) (string, error) {
	if len(o.To) == 0 {
		return "", nil
	}
	execution := "report-" + o.Name + "-" + string(o.Every) + "-" + r.From.In(r.Period().Zone).Format("20060102")
	l, err := h.letter(o, r, made, attached(files))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "rendering the mail of report %s", o.Name)
	}
	n, err := h.Store.BeginNotice(ctx, record.Notice{Machine: NoticeMachine, Reference: execution + "/" + kind, Kind: kind, To: o.To, Subject: l.subject, BegunAt: now})
	if err != nil || !n.AcceptedAt.IsZero() {
		return n.MessageID, err
	}
	id, err := h.Mail.Send(ctx, sesmail.Mail{
		To: o.To, Subject: l.subject, Text: l.text, HTML: l.html, Reference: n.Reference, Files: attached(files),
		Tags: map[string]string{delivery.TagMachine: NoticeMachine, delivery.TagExecution: execution, delivery.TagNotice: kind},
	})
	if err != nil {
		return "", err
	}
	n.MessageID, n.AcceptedAt = id, now
	return id, h.Store.EndNotice(ctx, n)
}

// attached are the first files that fit.
func attached(files []sesmail.File) []sesmail.File {
	size := 0
	for i, f := range files {
		if size += len(f.Body); size > maxAttached {
			return files[:i]
		}
	}
	return files
}

type letter struct{ subject, text, html string }

//go:embed mail.html.tmpl
var mailText string

var mailPage = template.Must(template.New("mail").Parse(mailText))

// section is what a mail says of one section.
type section struct {
	Title   string
	Figures []string
}

// letter is the mail about a report: what it is of, whether it is complete, its figures, and where it is.
func (h *Handler) letter(o report.Order, r report.Report, made Made, with []sesmail.File) (letter, error) {
	zone := r.Period().Zone
	l := letter{subject: fmt.Sprintf("[Keyward] Report %s: %s", o.Name, made.Period)}
	view := struct {
		Subject, Made, Archived, Attached string
		Gaps                              []string
		Sections                          []section
	}{Subject: l.subject, Made: report.At(r.MadeAt).In(zone) + " (" + r.Zone + ")", Gaps: r.Gaps, Archived: "s3://" + h.Archive.Bucket() + "/" + o.Place(r.Period()) + ".*"}
	var names []string
	for _, f := range with {
		names = append(names, f.Name)
	}
	switch {
	case len(names) == len(made.Files):
		view.Attached = "Attached: " + strings.Join(names, ", ") + "."
	case len(names) == 0:
		view.Attached = "It is too large to be attached."
	default:
		view.Attached = "Attached: " + strings.Join(names, ", ") + "; the rest is too large."
	}
	for _, s := range r.Sections {
		part := section{Title: s.Title}
		for _, f := range s.Figures {
			value := f.Value.In(zone)
			if value == "" {
				value = "none"
			}
			part.Figures = append(part.Figures, f.Name+": "+value)
		}
		view.Sections = append(view.Sections, part)
	}
	var page bytes.Buffer
	if err := mailPage.Execute(&page, view); err != nil {
		return l, err
	}
	l.html = page.String()
	l.text = plain(view.Subject, view.Made, view.Gaps, view.Sections, view.Attached, view.Archived)
	return l, nil
}

func plain(subject, made string, gaps []string, sections []section, attached, archived string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nMade at %s.\n\n", subject, made)
	if len(gaps) == 0 {
		b.WriteString("It is complete: everything that it is made of was read.\n")
	} else {
		b.WriteString("It is NOT complete. It could not read\n")
		for _, g := range gaps {
			b.WriteString("  " + g + "\n")
		}
	}
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		for _, f := range s.Figures {
			b.WriteString("  " + f + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s\nArchived at %s\n", attached, archived)
	return b.String()
}
