package main

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/shared/record"
)

// A machine whose policy is gone is told of in the built-in policy's words; what could not be read is no such policy.
func TestThePolicyThatMailsSpeakOf(t *testing.T) {
	t.Parallel()
	gone := &people.Refusal{Status: http.StatusNotFound, Kind: "NotFound", Detail: "reading policy web: it was deleted"}
	denied := &people.Refusal{Status: http.StatusForbidden, Kind: "Denied"}
	for name, tt := range map[string]struct {
		policy string
		stored record.Policy
		err    error
		want   string
		failed error
	}{
		"as it is stored":     {"web", record.Policy{Name: "web", Version: 3, Text: "policy: web"}, nil, "web", nil},
		"built in":            {"default", record.Policy{}, errors.New("it is not asked for"), "default", nil},
		"it is gone":          {"web", record.Policy{}, fmt.Errorf("reading policy web: %w", gone), "default", nil},
		"it may not be read":  {"web", record.Policy{}, denied, "", denied},
		"nobody answers":      {"web", record.Policy{}, http.ErrHandlerTimeout, "", http.ErrHandlerTimeout},
		"no text that is one": {"web", record.Policy{Name: "web", Text: "rules: no list"}, nil, "", nil},
	} {
		got, err := toldBy(tt.policy, func(string) (record.Policy, error) { return tt.stored, tt.err })
		switch {
		case tt.want != "" && (err != nil || got.Name != tt.want || got.Version != tt.stored.Version):
			t.Errorf("%s: toldBy = %+v, %v, want %s", name, got, err, tt.want)
		case tt.want == "" && (err == nil || tt.failed != nil && !errors.Is(err, tt.failed)):
			t.Errorf("%s: toldBy = %+v, %v, want %v", name, got, err, tt.failed)
		}
	}
}
