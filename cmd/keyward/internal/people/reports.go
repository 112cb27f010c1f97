package people

import (
	"context"
	"net/http"

	"github.com/keyward/keyward/shared/record"
)

// ReportSchedules are the reports that are made again and again, by name.
func (c *Client) ReportSchedules(ctx context.Context) ([]record.ReportSchedule, error) {
	var out record.ReportScheduleList
	_, err := c.send(ctx, http.MethodGet, "/v1/report-schedules", nil, &out)
	return out.Schedules, err
}

// SetReportSchedule has a report made again and again.
func (c *Client) SetReportSchedule(ctx context.Context, name string, w record.ReportWish) (s record.ReportSchedule, err error) {
	_, err = c.send(ctx, http.MethodPut, "/v1/report-schedules/"+segment(name), w, &s)
	return s, err
}

// DeleteReportSchedule has a report not made any more.
func (c *Client) DeleteReportSchedule(ctx context.Context, name string) (s record.ReportSchedule, err error) {
	_, err = c.send(ctx, http.MethodDelete, "/v1/report-schedules/"+segment(name), nil, &s)
	return s, err
}
