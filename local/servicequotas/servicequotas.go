// Package servicequotas is Service Quotas inside keyward local: the default quotas of KMS's calls a second, which the faults
// of keyward local hold to when they are asked to. Nobody can have one raised. It is called through local/wire.
package servicequotas

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/wire"
)

// Config is what the service needs.
type Config struct {
	Account string
	Region  string
	// Rates are calls a second by operation, such as kms.DisableKey.
	Rates map[string]float64
}

// quota is one of the answer's.
type quota struct {
	ServiceCode, ServiceName, QuotaName string
	QuotaArn, QuotaCode, Unit           string
	Value                               float64
	Adjustable, GlobalQuota             bool
}

// Service is Service Quotas on the wire.
func Service(c Config) wire.Service {
	return wire.Service{Name: "servicequotas", Protocol: wire.JSON11, TargetPrefix: "ServiceQuotasV20190624", Operations: map[string]wire.Operation{
		"ListServiceQuotas": func(_ context.Context, r *wire.Request) (any, error) { return c.list(r) },
	}}
}

func (c Config) list(r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		ServiceCode, NextToken string
		MaxResults             int
	}](r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Caller.Kind != wire.Operator:
		return nil, &wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "User: " + r.Caller.ARN + " is not authorized to perform: servicequotas:ListServiceQuotas"}
	case in.ServiceCode != "kms":
		return nil, &wire.Error{Code: "NoSuchResourceException", Message: "The request failed because the specified service does not exist."}
	case in.NextToken != "":
		return nil, &wire.Error{Code: "InvalidPaginationTokenException", Message: "Invalid pagination token."}
	}
	all := []quota{}
	for name, rate := range c.Rates {
		operation, is := strings.CutPrefix(name, "kms.")
		if !is {
			continue
		}
		code := "L-" + strings.ToUpper(operation) // AWS's are eight hexadecimal digits, which nobody here needs
		all = append(all, quota{
			ServiceCode: "kms", ServiceName: "AWS Key Management Service (AWS KMS)", QuotaName: operation + " request rate",
			QuotaArn: "arn:aws:servicequotas:" + c.Region + ":" + c.Account + ":kms/" + code, QuotaCode: code, Unit: "None", Value: rate, Adjustable: true,
		})
	}
	slices.SortFunc(all, func(a, b quota) int { return strings.Compare(a.QuotaName, b.QuotaName) })
	return struct{ Quotas []quota }{all}, nil
}
