package handler

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// maxReports are kept: each is read when they are listed.
const maxReports = 50

// listReports are the reports that are made again and again. What makes them, EventBridge Scheduler, keeps them.
func (h *Handler) listReports(ctx context.Context, _ boot.Call) (int, any, error) {
	all, err := h.reports(ctx)
	if err != nil {
		return 0, nil, err
	}
	out := record.ReportScheduleList{Schedules: []record.ReportSchedule{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out.Schedules = append(out.Schedules, shown(all[name]))
	}
	return http.StatusOK, out, nil
}

func (h *Handler) reports(ctx context.Context) (map[string]report.Order, error) {
	inputs, err := h.Reports.Inputs(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]report.Order{}
	for name, input := range inputs {
		var o report.Order
		if err := json.Unmarshal(input, &o); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "reading the schedule of report %s", name)
		}
		all[name] = o
	}
	return all, nil
}

func shown(o report.Order) record.ReportSchedule {
	return record.ReportSchedule{
		Name: o.Name, By: o.By, ReportWish: record.ReportWish{Every: string(o.Every), Zone: o.Zone, Sections: o.Sections, Forms: o.Forms, To: o.To},
	}
}

// setReport has a report made again and again from now on, in place of the one of this name.
func (h *Handler) setReport(ctx context.Context, c boot.Call) (int, any, error) {
	var w record.ReportWish
	if err := c.Decode(&w); err != nil {
		return 0, nil, err
	}
	o := report.Order{
		Version: report.OrderVersion, Name: c.PathValue("name"), Every: report.Every(w.Every), Zone: w.Zone, Sections: w.Sections, Forms: w.Forms, To: w.To, By: c.Caller,
	}
	if _, _, err := o.Checked(); err != nil {
		return 0, nil, err
	}
	all, err := h.reports(ctx)
	if err != nil {
		return 0, nil, err
	}
	if _, there := all[o.Name]; !there && len(all) >= maxReports {
		return 0, nil, fault.New(fault.Conflict, "setting report %s: there are %d already, which is the most", o.Name, len(all))
	}
	h.Log.InfoContext(ctx, "report set", boot.KeyKind, o.Name, "by", c.Caller)
	return http.StatusOK, shown(o), h.Reports.Put(ctx, schedule.Schedule{
		Name: o.Name, Description: "Makes report " + o.Name + "; keyward report schedule keeps it", Expression: o.Every.Expression(), TimeZone: o.Zone, Input: o,
	})
}

// deleteReport has a report not made any more. What was archived stays.
func (h *Handler) deleteReport(ctx context.Context, c boot.Call) (int, any, error) {
	name := c.PathValue("name")
	all, err := h.reports(ctx)
	if err != nil {
		return 0, nil, err
	}
	o, there := all[name]
	if !there {
		return 0, nil, fault.New(fault.NotFound, "deleting report %s: there is none", name)
	}
	h.Log.InfoContext(ctx, "report deleted", boot.KeyKind, name, "by", c.Caller)
	return http.StatusOK, shown(o), h.Reports.Delete(ctx, name)
}
