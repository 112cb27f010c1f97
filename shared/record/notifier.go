package record

import "time"

// Notifier has people, or other programs, told of events of many machines, beside the mails to each machine's owner: a stored
// object that people put, show and delete. Its zero value tells nobody.
type Notifier struct {
	Name        string `json:"notifier"` // lower-case letters, digits and hyphens, 3 to 40 characters
	Description string `json:"description,omitempty"`

	Events   []string `json:"events,omitempty"`   // names of notice.Events; empty: all
	Policies []string `json:"policies,omitempty"` // only of machines of these; empty: of all

	To      []string `json:"to,omitempty"`      // addresses of mail
	Topic   string   `json:"topic,omitempty"`   // ARN of an SNS topic whose name begins with keyward-notify-
	Webhook *Webhook `json:"webhook,omitempty"` // an endpoint of HTTPS

	Sender   string            `json:"sender,omitempty"`   // display name of the mail's sender
	Subject  string            `json:"subject,omitempty"`  // before each subject
	Header   string            `json:"header,omitempty"`   // the first paragraph
	Footer   string            `json:"footer,omitempty"`   // the last paragraph
	Texts    map[string]string `json:"texts,omitempty"`    // by event, with the variables of a policy's texts
	TimeZone string            `json:"timeZone,omitempty"` // IANA name; UTC when empty

	Digest *Digest `json:"digest,omitempty"` // nil: one by one
	Quiet  *Quiet  `json:"quiet,omitempty"`  // nil: at any time

	Version int       `json:"version"` // raised by each put; 0 is not stored yet
	PutAt   time.Time `json:"putAt,omitzero"`
	PutBy   string    `json:"putBy,omitempty"` // the person's ARN
}

// Webhook is an endpoint that occurrences are posted to. The address may be a secret itself: who reads a notifier
// sees its host alone.
type Webhook struct {
	URL    string `json:"url"`
	Format string `json:"format,omitempty"` // json, the default, or slack: {"text": ...}
	Secret string `json:"secret,omitempty"` // that posts are signed by; made by Keyward, shown once
}

// Digest has occurrences gathered until the first of both; a zero one does not count.
type Digest struct {
	Every string `json:"every,omitempty"` // after the first occurrence: 5m to 24h
	After int    `json:"after,omitempty"` // so many of them: 2 to 1000
}

// Quiet is a time of each day in which events that can wait do. From after To runs over midnight.
type Quiet struct {
	From string   `json:"from"`           // hh:mm, in the notifier's time zone
	To   string   `json:"to"`             // hh:mm
	Days []string `json:"days,omitempty"` // on which it begins: mon to sun; empty: all
}

// Occurrence is one event as a notifier tells it. It holds what happened and nothing that is secret.
type Occurrence struct {
	Reference string    `json:"reference"` // of the notice: the same event has the same, however often it is written down
	Event     string    `json:"event"`     // name of notice.Events
	At        time.Time `json:"at"`
	Machine   string    `json:"machine,omitempty"` // empty: of the whole stack
	Name      string    `json:"name,omitempty"`
	Owner     string    `json:"owner,omitempty"`
	Zone      string    `json:"zone,omitempty"`
	Policy    string    `json:"policy,omitempty"`
	Version   int       `json:"policyVersion,omitempty"`
	Why       string    `json:"why,omitempty"` // the first failed rule with what was found, or the reason; one line
	Fix       string    `json:"fix,omitempty"` // of that rule
	DueAt     time.Time `json:"dueAt,omitzero"`
	By        string    `json:"by,omitempty"`
	Silence   bool      `json:"silence,omitempty"` // of a warning: for silence, not for a failed rule
}
