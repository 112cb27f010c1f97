package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// mostUnpacked is far more than any record has; what is longer was not written by us.
const mostUnpacked = 16 << 20

// Unpack is a record's JSON from its compressed form.
func Unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("decompressing it: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, mostUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("decompressing it: %w", err)
	}
	if len(text) > mostUnpacked {
		return nil, errors.New("decompressing it: it is longer than any record")
	}
	return text, nil
}

// Decode reads a stored record from its JSON.
func Decode[T any](doc []byte) (T, error) {
	var v T
	if err := json.Unmarshal(doc, &v); err != nil {
		return v, fmt.Errorf("decoding stored record: %w", err)
	}
	return v, nil
}
