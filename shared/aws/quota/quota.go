// Package quota reads what Service Quotas lets an account do.
package quota

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// Client talks to Service Quotas.
type Client struct{ api *servicequotas.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: servicequotas.NewFromConfig(cfg)} }

// Of are all quotas of a service, such as kms, by name: "DisableKey request rate".
func (c *Client) Of(ctx context.Context, service string) (map[string]float64, error) {
	pages := servicequotas.NewListServiceQuotasPaginator(c.api, &servicequotas.ListServiceQuotasInput{ServiceCode: &service})
	all := map[string]float64{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "reading the quotas of "+service)
		}
		for _, q := range page.Quotas {
			all[aws.ToString(q.QuotaName)] = aws.ToFloat64(q.Value)
		}
	}
	return all, nil
}
