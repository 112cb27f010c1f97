package handler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/identity"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Documents is what the stack was told about instance identity documents. With the zero value none is verified, and
// none is asked for.
type Documents struct {
	Verifier identity.Verifier
	Required bool // a request of an instance without one is refused
}

// ReadDocuments is what a stack says about documents: certificates in PEM, or none, and require, which is "on" when each
// instance has to send its own. That needs a certificate.
func ReadDocuments(certificates, account, region, require string) (Documents, error) {
	v, err := identity.New(certificates, account, region)
	if err != nil {
		return Documents{}, fmt.Errorf("reading the certificates of identity documents: %w", err)
	}
	switch {
	case require != "on" && require != "off":
		return Documents{}, fmt.Errorf("reading whether identity documents are required: it is %q, expected on or off", require)
	case require == "on" && !v.Ready():
		return Documents{}, errors.New("reading whether identity documents are required: it is on, and there is no certificate to verify them with")
	}
	return Documents{Verifier: v, Required: require == "on"}, nil
}

// What a machine is told of the document that it sent.
const (
	documentVerified = "verified"
	documentIgnored  = "not verified: this stack has no certificate of AWS, so the document counted for nothing"
	documentHybrid   = "not verified: a hybrid node is known by its role at Systems Manager, so the document counted for nothing"
)

// document is the one that came with a request, if there is one and it was verified: what it says, and what the machine
// is told of it. One that could be verified and is not in order ends the request.
func (h *Handler) document(ctx context.Context, now time.Time, m record.Machine, signature *string) (*identity.Document, string, error) {
	hybrid := strings.HasPrefix(m.ID, "mi-")
	switch {
	case signature == nil && h.Documents.Required && !hybrid:
		return nil, "", h.refuseDocument(ctx, m, identity.Missing())
	case signature == nil:
		return nil, "", nil
	case hybrid:
		return nil, documentHybrid, nil
	case !h.Documents.Verifier.Ready():
		h.Log.WarnContext(ctx, "identity document not verified", boot.KeyMachine, m.ID)
		return nil, documentIgnored, nil
	}
	d, err := h.Documents.Verifier.Verify(*signature, m.ID, now)
	if err != nil {
		return nil, "", h.refuseDocument(ctx, m, err)
	}
	return &d, documentVerified, nil
}

// current refuses a document of a former life of a machine that runs. One that does not run gets no key anyway.
func (h *Handler) current(ctx context.Context, m record.Machine, d *identity.Document, there ec2info.Instance) error {
	if d == nil || there.Presence != integrity.Running {
		return nil
	}
	return h.refuseDocument(ctx, m, d.Current(there.Launched, there.Facts.Type.Value))
}

// refuseDocument writes to the log what people may have to look at: somebody sends what is not his, or the certificate
// of the stack is of yesterday.
func (h *Handler) refuseDocument(ctx context.Context, m record.Machine, err error) error {
	if err != nil {
		h.Log.WarnContext(ctx, "identity document refused", boot.KeyMachine, m.ID, boot.KeyReason, fault.Safe(err))
	}
	return err
}
