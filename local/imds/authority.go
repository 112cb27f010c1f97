package imds

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Authority signs instance identity documents, as AWS does with one key for each Region.
type Authority struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// NewAuthority makes an RSA key and a certificate of it that signs itself and is valid from one time until another.
func NewAuthority(from, until time.Time) (*Authority, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making a key for identity documents: %w", err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, fmt.Errorf("making a certificate for identity documents: %w", err)
	}
	name := pkix.Name{Country: []string{"US"}, Organization: []string{"keyward local"}}
	template := &x509.Certificate{SerialNumber: serial, Subject: name, NotBefore: from, NotAfter: until}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for identity documents: %w", err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for identity documents: %w", err)
	}
	return &Authority{key: key, certificate: certificate}, nil
}

// Certificate is the authority's, in PEM.
func (a *Authority) Certificate() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// The object identifiers of PKCS#7 and PKCS#9 (RFC 2315, RFC 2985).
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)

// The tags of ASN.1 that are used.
const (
	tagOctets    = 0x04
	tagStrings   = 0x24 // octets in parts
	tagSequence  = 0x30
	tagSet       = 0x31
	tagContext   = 0xa0
	lineOfBase64 = 76
)

// Sign is a PKCS#7 signature with the content in it and without a certificate, in base64: what AWS gives as rsa2048. It is
// BER of indefinite length, as AWS's are, and says that it was made at that time.
func (a *Authority) Sign(content []byte, at time.Time) (string, error) {
	var e encoder
	digest := sha256.Sum256(content)
	attributes := [][]byte{
		e.attribute(oidContentType, oidData), e.attribute(oidSigningTime, at.UTC()), e.attribute(oidMessageDigest, digest[:]),
	}
	slices.SortFunc(attributes, bytes.Compare) // DER sorts sets
	signed := sha256.Sum256(definite(tagSet, attributes...))
	signature, err := rsa.SignPKCS1v15(nil, a.key, crypto.SHA256, signed[:])
	if err != nil {
		return "", fmt.Errorf("signing an identity document: %w", err)
	}
	signer := definite(tagSequence,
		e.der(1), definite(tagSequence, a.certificate.RawIssuer, e.der(a.certificate.SerialNumber)),
		e.algorithm(oidSHA256), definite(tagContext, attributes...), e.algorithm(oidRSA), definite(tagOctets, signature))
	whole := indefinite(tagSequence, e.der(oidSignedData), indefinite(tagContext, indefinite(tagSequence,
		e.der(1), definite(tagSet, e.algorithm(oidSHA256)),
		indefinite(tagSequence, e.der(oidData), indefinite(tagContext, indefinite(tagStrings, definite(tagOctets, content)))),
		definite(tagSet, signer))))
	if e.err != nil {
		return "", fmt.Errorf("writing the signature of an identity document: %w", e.err)
	}
	return lines(base64.StdEncoding.EncodeToString(whole)), nil
}

// encoder writes values in DER and keeps the first error.
type encoder struct{ err error }

func (e *encoder) der(v any) []byte {
	b, err := asn1.Marshal(v)
	e.err = cmp.Or(e.err, err)
	return b
}

func (e *encoder) algorithm(oid asn1.ObjectIdentifier) []byte {
	return e.der(pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue})
}

func (e *encoder) attribute(oid asn1.ObjectIdentifier, value any) []byte {
	return definite(tagSequence, e.der(oid), definite(tagSet, e.der(value)))
}

func definite(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	head := []byte{tag}
	switch n := len(content); {
	case n < 1<<7:
		head = append(head, byte(n))
	case n < 1<<8:
		head = append(head, 0x81, byte(n))
	default:
		head = append(head, 0x82, byte(n>>8), byte(n))
	}
	return append(head, content...)
}

func indefinite(tag byte, parts ...[]byte) []byte {
	return slices.Concat([]byte{tag, 0x80}, bytes.Join(parts, nil), []byte{0, 0})
}

func lines(text string) string {
	var b strings.Builder
	for part := range slices.Chunk([]byte(text), lineOfBase64) {
		b.Write(part)
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
