package servicequotas_test

import (
	"errors"
	"testing"

	"github.com/keyward/keyward/local/servicequotas"
	"github.com/keyward/keyward/local/wire"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := servicequotas.Service(servicequotas.Config{Rates: map[string]float64{"kms.DisableKey": 5}})
	for _, tt := range []struct {
		kind       wire.Kind
		body, code string
	}{
		{wire.Function, `{"ServiceCode":"kms"}`, "AccessDeniedException"},
		{wire.Operator, `{"ServiceCode":"none"}`, "NoSuchResourceException"},
		{wire.Operator, `{"ServiceCode":"kms","NextToken":"x"}`, "InvalidPaginationTokenException"},
		{wire.Operator, `{"ServiceCode":"kms","Other":1}`, "NotImplemented"},
	} {
		_, err := s.Operations["ListServiceQuotas"](t.Context(), &wire.Request{Body: []byte(tt.body), Caller: wire.Principal{Kind: tt.kind}})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s as %s: %v, want %s", tt.body, tt.kind, err, tt.code)
		}
	}
}
