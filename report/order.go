package report

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/fault"
)

// OrderVersion is the version of orders that this code reads.
const OrderVersion = 1

// Order is a report that is made again and again: the input of its schedule.
type Order struct {
	Version  int      `json:"version"`
	Name     string   `json:"name"`
	Every    Every    `json:"every"`
	Zone     string   `json:"zone"`
	Sections []string `json:"sections,omitempty"` // none: all of them
	Forms    []string `json:"forms"`
	To       []string `json:"to"`           // none: it is archived alone
	By       string   `json:"by,omitempty"` // ARN of who ordered it; none: the stack's parameter
}

// Expression is when the order is carried out, at 5 o'clock in its zone, as EventBridge Scheduler has it.
func (e Every) Expression() string {
	switch e {
	case Daily:
		return "cron(0 5 * * ? *)"
	case Weekly:
		return "cron(0 5 ? * MON *)"
	default:
		return "cron(0 5 1 * ? *)"
	}
}

// Forms are the forms in which a report can be written, with their media types.
var Forms = map[string]string{
	"html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// MaxRecipients are of one order.
const MaxRecipients = 20

var (
	orderName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	address   = regexp.MustCompile(`^[^\s@<>"]{1,64}@[A-Za-z0-9.-]{1,180}$`)
)

// Checked is the order when it can be carried out, and its sections and zone.
func (o Order) Checked() ([]ID, *time.Location, error) {
	switch {
	case o.Version != OrderVersion:
		return nil, nil, fault.Wrong("version", "reading the order of a report: version is %d, expected %d", o.Version, OrderVersion)
	case !orderName.MatchString(o.Name):
		return nil, nil, fault.Wrong("name", "reading the order of a report: name is %q, expected 1 to 32 of a-z, 0-9 and -", Clean(o.Name))
	case !slices.Contains([]Every{Daily, Weekly, Monthly}, o.Every):
		return nil, nil, fault.Wrong("every", "reading the order of a report: every is %q, expected daily, weekly or monthly", Clean(string(o.Every)))
	case len(o.Forms) == 0:
		return nil, nil, fault.Wrong("forms", "reading the order of a report: it has no forms, expected some of csv, html, json, pdf, xlsx")
	case len(o.To) > MaxRecipients:
		return nil, nil, fault.Wrong("to", "reading the order of a report: it has %d recipients, expected at most %d", len(o.To), MaxRecipients)
	}
	for i, f := range o.Forms {
		if Forms[f] == "" || slices.Contains(o.Forms[:i], f) {
			return nil, nil, fault.Wrong("forms", "reading the order of a report: form %q, expected some of csv, html, json, pdf, xlsx, each once", Clean(f))
		}
	}
	for _, a := range o.To {
		if !address.MatchString(a) {
			return nil, nil, fault.Wrong("to", "reading the order of a report: %q is no e-mail address", Clean(a))
		}
	}
	zone, err := Zone(o.Zone)
	if err != nil {
		return nil, nil, err
	}
	sections, err := Chosen(o.Sections)
	return sections, zone, err
}

// Place is where the files of a report are archived, without their ends: the same report is always there.
func (o Order) Place(p Period) string {
	const day = "2006-01-02"
	return strings.Join([]string{"reports", o.Name, string(o.Every), p.From.In(p.Zone).Format(day), "keyward-" + string(o.Every) + "-" + p.From.In(p.Zone).Format(day)}, "/")
}
