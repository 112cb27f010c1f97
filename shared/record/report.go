package record

// ReportWish is what a person says to have a report made again and again.
type ReportWish struct {
	Every    string   `json:"every"`              // daily, weekly, monthly
	Zone     string   `json:"zone"`               // IANA name of the time zone of its days and times
	Sections []string `json:"sections,omitempty"` // none: all of them
	Forms    []string `json:"forms"`              // some of html, csv, xlsx, pdf, json
	To       []string `json:"to,omitempty"`       // addresses, at most 20; none: it is archived alone
}

// ReportSchedule is a report that is made again and again.
type ReportSchedule struct {
	Name string `json:"name"`
	ReportWish
	By string `json:"by"` // ARN of who set it last
}

// ReportScheduleList are all of them, by name.
type ReportScheduleList struct {
	Schedules []ReportSchedule `json:"schedules"`
}
