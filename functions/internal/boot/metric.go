package boot

import (
	"context"
	"log/slog"
	"time"
)

// NamespaceVariable holds the CloudWatch namespace of the metrics that log lines carry. When it is empty they are
// numbers of their line and nothing else.
const NamespaceVariable = "METRICS_NAMESPACE"

// Count is a log attribute that CloudWatch makes a metric of: how many there are of something.
func Count(name string, n int) slog.Attr {
	return slog.Any(name, metric{unit: "Count", value: float64(n)})
}

// Took is a log attribute that CloudWatch makes a metric of: the seconds from one thing to another. Without a from, the
// zero time, there is nothing to be said: the attribute is left out.
func Took(name string, from, to time.Time) slog.Attr {
	if from.IsZero() {
		return slog.Attr{}
	}
	return slog.Any(name, metric{unit: "Seconds", value: to.Sub(from).Seconds()})
}

// metric is the value of such an attribute.
type metric struct {
	unit  string
	value float64
}

// LogValue is the number alone.
func (m metric) LogValue() slog.Value { return slog.Float64Value(m.value) }

// measured is a log handler that adds to lines with metrics what makes CloudWatch take them from the log: its embedded
// metric format (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
type measured struct {
	slog.Handler
	namespace string
}

// Handle writes one line.
func (h measured) Handle(ctx context.Context, r slog.Record) error {
	var found []definition
	r.Attrs(func(a slog.Attr) bool {
		if m, ok := a.Value.Any().(metric); ok {
			found = append(found, definition{Name: a.Key, Unit: m.unit})
		}
		return true
	})
	if len(found) > 0 && h.namespace != "" {
		r = r.Clone()
		r.AddAttrs(slog.Any("_aws", embedded{
			Timestamp:         r.Time.UnixMilli(),
			CloudWatchMetrics: []directive{{Namespace: h.namespace, Dimensions: [][]string{{}}, Metrics: found}},
		}))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps adding metrics.
func (h measured) WithAttrs(attrs []slog.Attr) slog.Handler {
	return measured{Handler: h.Handler.WithAttrs(attrs), namespace: h.namespace}
}

type embedded struct {
	Timestamp         int64       // milliseconds since 1970
	CloudWatchMetrics []directive // what is to be taken from the line
}

type directive struct {
	Namespace  string
	Dimensions [][]string // one set without any: metrics of the whole stack
	Metrics    []definition
}

type definition struct {
	Name string // of the attribute at the line's root
	Unit string // of CloudWatch's
}
