// Package handler makes one report that was ordered: it reads, archives and mails, in this order, and may be tried again at
// each step. A file that is archived stays as it is; a mail that was accepted is not sent again.
package handler

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/gather"
	"github.com/keyward/keyward/report/page"
	"github.com/keyward/keyward/report/paper"
	"github.com/keyward/keyward/report/sheet"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/release"
)

// Store is what is read, and where the mail is noted. Only *store.Store and fakes are one.
type Store interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Machines(ctx context.Context) ([]record.Machine, error)
	LedgerFrom(ctx context.Context, machine, after string, limit int) ([]record.Entry, string, error)
	WaiverHead(ctx context.Context, machine string) (record.Head, error)
	EvidenceFrom(ctx context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error)
	RequestsFrom(ctx context.Context, after string, limit int) ([]record.Request, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	PolicyVersions(ctx context.Context, name string, before, limit int) ([]record.Policy, error)
	Holds(ctx context.Context, now time.Time) ([]record.Hold, error)
	Waivers(ctx context.Context) (record.Waivers, error)
	BreakerEvents(ctx context.Context, limit int) ([]record.BreakerEvent, error)
	BeginNotice(ctx context.Context, n record.Notice) (record.Notice, error)
	EndNotice(ctx context.Context, n record.Notice) error
}

// Archiver keeps files; there says that one was there already and stays.
type Archiver interface {
	Put(ctx context.Context, key, mediaType string, body []byte) (there bool, err error)
	Bucket() string
}

// Mailer sends one mail.
type Mailer interface {
	Send(ctx context.Context, m sesmail.Mail) (messageID string, err error)
}

var _ Store = (*store.Store)(nil)

// Handler makes reports.
type Handler struct {
	Store           Store
	Archive         Archiver
	Mail            Mailer
	Account, Region string
	Log             *slog.Logger
}

// Made is what became of an order.
type Made struct {
	Period   string   `json:"period"`
	Complete bool     `json:"complete"`
	Gaps     []string `json:"gaps,omitempty"`
	Files    []string `json:"files"`             // keys in the bucket
	Mailed   string   `json:"mailed,omitempty"`  // the provider's id
	Earlier  bool     `json:"earlier,omitempty"` // a file was there already, and stayed
}

// Handle makes the report of the newest period that is over.
func (h *Handler) Handle(ctx context.Context, now time.Time, o report.Order) (Made, error) {
	sections, zone, err := o.Checked()
	if err != nil {
		return Made{}, err
	}
	period, err := report.Last(o.Every, now, zone)
	if err != nil {
		return Made{}, err
	}
	place := gather.Place{Account: h.Account, Region: h.Region, Version: release.Version, ReadAt: now}
	data, err := gather.Gather(ctx, source{h.Store, now}, place, period, sections, func(int, int) {})
	if err != nil {
		return Made{}, err
	}
	r := report.Build(data, period, sections)
	made := Made{Period: period.Title(), Complete: r.Complete(), Gaps: r.Gaps, Files: []string{}}
	if !r.Complete() {
		h.Log.WarnContext(ctx, "report not complete", boot.KeyKind, o.Name, boot.KeyReason, r.Gaps[0])
	}
	var files []sesmail.File
	for _, form := range o.Forms {
		var b bytes.Buffer
		if err := forms[form](&b, r); err != nil {
			return made, fault.Wrap(fault.Internal, err, "writing report %s", o.Name)
		}
		key := o.Place(period) + "." + form
		there, err := h.Archive.Put(ctx, key, report.Forms[form], b.Bytes())
		if err != nil {
			return made, err
		}
		made.Files, made.Earlier = append(made.Files, key), made.Earlier || there
		files = append(files, sesmail.File{Name: path.Base(key), MediaType: report.Forms[form], Body: b.Bytes()})
	}
	if made.Mailed, err = h.mail(ctx, now, o, r, made, files); err != nil {
		return made, err
	}
	h.Log.InfoContext(ctx, "report made", boot.KeyKind, o.Name)
	return made, nil
}

var forms = map[string]func(io.Writer, report.Report) error{
	"html": page.HTML, "csv": report.CSV, "json": report.JSON, "xlsx": sheet.XLSX, "pdf": paper.PDF,
}
