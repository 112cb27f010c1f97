package identity

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/smallstep/pkcs7"
)

// maxSignature is in characters. AWS's have about 1,500; nesting costs the reader the square of the length.
const maxSignature = 8 << 10

// The armour that a signature may have; the metadata service leaves it out.
const pkcs7Begin, pkcs7End = "-----BEGIN PKCS7-----", "-----END PKCS7-----"

// digests are those that a signature may rest on.
var digests = []asn1.ObjectIdentifier{pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512}

// opened is what was signed, and the certificate of these that signed it. Certificates that the signature brings with it
// count for nothing.
func opened(signature string, certificates []*x509.Certificate) ([]byte, *x509.Certificate, error) {
	if len(signature) > maxSignature {
		return nil, nil, invalid("it has %d characters, expected at most %d", len(signature), maxSignature)
	}
	text := strings.TrimSpace(signature)
	if inner, ok := strings.CutPrefix(text, pkcs7Begin); ok {
		text = strings.TrimSuffix(inner, pkcs7End)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(raw) == 0 {
		return nil, nil, invalid("it is not base64, expected what the metadata service gives as instance-identity/rsa2048")
	}
	signed, err := pkcs7.Parse(raw)
	if err != nil || len(signed.Content) == 0 || len(signed.Signers) == 0 {
		return nil, nil, invalid("it is no PKCS#7 signature with its document, expected what the metadata service gives as instance-identity/rsa2048")
	}
	if len(signed.Signers) != 1 {
		return nil, nil, deny("it has %d signatures, expected one", len(signed.Signers))
	}
	for _, d := range digests {
		if signed.Signers[0].DigestAlgorithm.Algorithm.Equal(d) {
			signed.Certificates = certificates
			return verified(signed)
		}
	}
	return nil, nil, deny("its digest is not SHA-256, expected instance-identity/rsa2048 and no other signature")
}

// verified checks the one signature by the certificate that it names.
func verified(signed *pkcs7.PKCS7) ([]byte, *x509.Certificate, error) {
	signer := signed.GetOnlySigner()
	if signer == nil {
		return nil, nil, deny("it is not signed with a certificate that this stack knows: AWS has one for each Region")
	}
	var outside *pkcs7.SigningTimeNotValidError
	switch err := signed.Verify(); {
	case errors.As(err, &outside):
		return nil, nil, deny("it was signed at %s, when its certificate was not valid", stamp(outside.SigningTime))
	case err != nil:
		return nil, nil, deny("its signature does not fit it")
	}
	return signed.Content, signer, nil
}

// The armour of a certificate.
const certificateBegin, certificateEnd = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

// minBits of a key that signs.
const minBits = 2048

// Certificates reads RSA certificates in PEM, one after the other; "" is none. White space may have been lost or changed, as
// consoles and command lines do with values of several lines.
func Certificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := strings.TrimSpace(text); rest != ""; {
		inner, ok := strings.CutPrefix(rest, certificateBegin)
		body, after, closed := strings.Cut(inner, certificateEnd)
		if !ok || !closed {
			return nil, fmt.Errorf("reading certificate %d: expected %s, base64 and %s", len(all)+1, certificateBegin, certificateEnd)
		}
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return nil, fmt.Errorf("reading certificate %d: it is not base64", len(all)+1)
		}
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, fmt.Errorf("reading certificate %d: %w", len(all)+1, err)
		}
		if k, isRSA := c.PublicKey.(*rsa.PublicKey); !isRSA || k.N.BitLen() < minBits {
			return nil, fmt.Errorf("reading certificate %d: it is not of an RSA key of at least %d bits, expected AWS's RSA-2048 certificate of the Region", len(all)+1, minBits)
		}
		all, rest = append(all, c), strings.TrimSpace(after)
	}
	return all, nil
}
