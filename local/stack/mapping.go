package stack

import (
	"encoding/json"
	"time"
)

// Mapping is one event source mapping: a function that gets the records of a table's stream.
type Mapping struct {
	Named
	Function string // name or ARN
	Source   string // ARN of the stream
	Batch    int
	Filters  []json.RawMessage
	Bisect   bool
	Retries  int           // -1: without end
	Age      time.Duration // 0: no limit
	Partial  bool          // ReportBatchItemFailures
	Failed   string        // ARN of the queue that is told of what was given up, "" for none
}

func (r *reader) mapping(id string, p *properties) {
	if start := p.required("StartingPosition"); start != "LATEST" && start != "TRIM_HORIZON" {
		r.problem(p.node.line, p.path+".StartingPosition", "expected LATEST or TRIM_HORIZON, found %q", start)
	}
	m := Mapping{
		Named: r.named(id), Function: p.required("FunctionName"), Source: p.required("EventSourceArn"), Batch: p.integer("BatchSize", 100),
		Bisect: p.boolean("BisectBatchOnFunctionError"), Retries: p.integer("MaximumRetryAttempts", -1),
		Age: time.Duration(max(0, p.integer("MaximumRecordAgeInSeconds", -1))) * time.Second,
	}
	for _, kind := range p.texts("FunctionResponseTypes") {
		if m.Partial = kind == "ReportBatchItemFailures"; !m.Partial {
			r.problem(p.node.line, p.path+".FunctionResponseTypes", "expected ReportBatchItemFailures, found %q", kind)
		}
	}
	destination := p.sub("DestinationConfig")
	failure := destination.sub("OnFailure")
	m.Failed = failure.text("Destination")
	failure.end()
	destination.end()
	criteria := p.sub("FilterCriteria")
	for _, f := range criteria.list("Filters") {
		pattern := f.required("Pattern")
		if !json.Valid([]byte(pattern)) {
			r.problem(f.node.line, f.path+".Pattern", "expected a pattern as JSON")
		}
		m.Filters = append(m.Filters, json.RawMessage(pattern))
		f.end()
	}
	criteria.end()
	r.stack.Mappings = append(r.stack.Mappings, m)
}

// checkMappings refuses a mapping of what is no stream of the template, and a third reader of one.
func (r *reader) checkMappings() {
	readers := map[string]int{}
	for _, m := range r.stack.Mappings {
		streamed := false
		for _, t := range r.stack.Tables {
			streamed = streamed || t.StreamARN == m.Source && t.Stream != ""
		}
		if !streamed {
			r.problem(1, m.LogicalID+".EventSourceArn", "keyward local carries the stream of a table of the template alone, found %q", m.Source)
		}
		if readers[m.Source]++; readers[m.Source] == 3 {
			r.problem(1, m.LogicalID, "more than two read %s: DynamoDB slows them down", m.Source)
		}
	}
}
