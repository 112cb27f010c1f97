package wire

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeText(t *testing.T) {
	t.Parallel()
	type in struct {
		Flag   bool
		Number *int32
		List   []string
		Name   string `json:"name"`
		Limits map[string]int
		Blob   []byte
		Inner  struct{ Size float64 }
	}
	r := &Request{allText: true, Body: []byte(`{"Flag":"true","Number":"5","List":"one","name":"7","Limits":{"a":"3"},"Blob":"YQ==","Inner":{"Size":"1.5"}}`)}
	got, err := Decode[in](r)
	five := int32(5)
	want := in{Flag: true, Number: &five, List: []string{"one"}, Name: "7", Limits: map[string]int{"a": 3}, Blob: []byte("a"), Inner: struct{ Size float64 }{1.5}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Decode: %v\n%s", err, diff)
	}
	if got, err := Decode[in](&Request{allText: true, Body: []byte(`{"List":""}`)}); err != nil || len(got.List) != 0 {
		t.Errorf("an empty list = %v, %v", got.List, err)
	}
	for _, body := range []string{`{"Flag":"maybe"}`, `{"Number":"0x5"}`, `{"Number":"1e99"}`} {
		if got, err := Decode[in](&Request{allText: true, Body: []byte(body)}); err == nil {
			t.Errorf("Decode(%s) = %+v, want an error", body, got)
		}
	}
	if _, err := Decode[in](&Request{text: map[string]bool{"Flag": true}, Body: []byte(`{"Flag":"true","Number":"5"}`)}); err == nil {
		t.Error("a text in a JSON body was taken for a number")
	}
	if _, err := Decode[in](&Request{Body: []byte(`{} {}`)}); err == nil {
		t.Error("two documents were taken for one")
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_123).UTC()
	for text, want := range map[string]time.Time{
		"1700000000.123": at, `"2023-11-14T22:13:20.123Z"`: at, "null": {}, "1700000000": at.Truncate(time.Second),
	} {
		var got Time
		if err := json.Unmarshal([]byte(text), &got); err != nil || !got.Equal(want) {
			t.Errorf("reading %s = %v, %v; want %v", text, got, err, want)
		}
	}
	if b, err := json.Marshal([]Time{{at}, {}}); err != nil || string(b) != "[1700000000.123,null]" {
		t.Errorf("writing = %s, %v", b, err)
	}
	var got Time
	if err := json.Unmarshal([]byte(`true`), &got); err == nil {
		t.Error("true was read as a time")
	}
}
