package lambda

import "encoding/json"

// batch is what one invocation of a mapped function takes.
type batch struct {
	Records  []StreamRecord `json:"records"`
	Attempts int            `json:"attempts"`
	open     bool           // it takes what comes
}

func (b batch) takes(r StreamRecord, most int) bool {
	size := len(r.Body)
	for _, have := range b.Records {
		size += len(have.Body) + 1
	}
	return len(b.Records) < most && size < maxBatchBytes
}

func batchPayload(b batch) []byte {
	bodies := make([]json.RawMessage, len(b.Records))
	for i, r := range b.Records {
		bodies[i] = r.Body
	}
	payload, err := json.Marshal(map[string]any{"Records": bodies})
	if err != nil {
		panic("a record is no JSON: " + err.Error()) // the table wrote it
	}
	return payload
}

// failedAt is the first record that failed, the number of records when none did, and whether the function itself said so.
// A failure that names no record of the batch, or an answer that says nothing about failures in the documented form, is
// one of the whole batch.
func failedAt(b batch, r Result, partial bool) (at int, partly bool) {
	if r.FunctionError != "" {
		return 0, false
	}
	if !partial || string(r.Payload) == "null" || len(r.Payload) == 0 {
		return len(b.Records), false
	}
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(r.Payload, &answer) != nil {
		return 0, false
	}
	at = len(b.Records)
	for _, f := range answer.BatchItemFailures {
		found := false
		for i, have := range b.Records {
			if have.Sequence == f.ItemIdentifier {
				at, found = min(at, i), true
			}
		}
		if !found {
			return 0, false
		}
	}
	return at, true
}
