// Package identity reads signed instance identity documents: what EC2's metadata service gives a machine at
// /latest/dynamic/instance-identity/rsa2048, a PKCS#7 signature of the Region's RSA key with the document in it.
//
// It says whether AWS made a document and whom it is about. A document names a machine and proves nothing about who
// sends it: whoever ever read it has it. It counts beside a signed request, never instead of one. What cannot be verified
// is an error, and never less than that. The package is pure: the certificate is an argument, the function request gives it
// what its stack was given, and what EC2 says of the machine now.
package identity

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/fault"
)

// Field is the name of the document in a key request, which errors carry.
const Field = "identityDocument"

// Document is what is used of an instance identity document.
type Document struct {
	Account string    `json:"accountId"`
	Region  string    `json:"region"`
	Machine string    `json:"instanceId"`
	Type    string    `json:"instanceType"`
	Pending time.Time `json:"pendingTime"` // when the instance was started last: in UTC, whole seconds
}

// Verifier is what a stack knows documents by. The zero value has no certificate and verifies none.
type Verifier struct {
	certificates    []*x509.Certificate
	account, region string
}

// New is a verifier of the documents of an account and Region, with the certificates that Certificates reads.
func New(certificates, account, region string) (Verifier, error) {
	all, err := Certificates(certificates)
	return Verifier{certificates: all, account: account, region: region}, err
}

// Ready is whether there is a certificate to verify with.
func (v Verifier) Ready() bool { return len(v.certificates) > 0 }

// Verify is the document in a signature, as the metadata service gives it: base64 in lines, with or without PKCS7
// armour. It was signed with one of the certificates, which is valid now, and is about that machine of the account and Region.
// The error is Invalid for what is no document, Denied for a document that says nothing for this machine, and names Field.
func (v Verifier) Verify(signature, machine string, now time.Time) (Document, error) {
	if !v.Ready() {
		return Document{}, deny("there is no certificate to verify it with")
	}
	content, signer, err := opened(signature, v.certificates)
	if err != nil {
		return Document{}, err
	}
	if now.Before(signer.NotBefore) || now.After(signer.NotAfter) {
		return Document{}, deny("the certificate of its signature is valid from %s to %s, and it is %s: the stack needs the one that AWS signs with now",
			stamp(signer.NotBefore), stamp(signer.NotAfter), stamp(now))
	}
	var d Document
	if err := json.Unmarshal(content, &d); err != nil || d.Account == "" || d.Region == "" || d.Machine == "" || d.Type == "" || d.Pending.IsZero() {
		return Document{}, invalid("what is signed is no instance identity document with accountId, region, instanceId, instanceType and pendingTime")
	}
	for _, f := range []struct{ name, is, want string }{
		{"accountId", d.Account, v.account}, {"region", d.Region, v.region}, {"instanceId", d.Machine, machine},
	} {
		if f.is != f.want {
			return Document{}, deny("its %s is %.64q, expected the machine's own, %s", f.name, f.is, f.want)
		}
	}
	return d, nil
}

// slack is how much older than EC2's launch time a document of this life may say it is: the two are taken by
// different parts of EC2, within seconds.
const slack = time.Minute

// Current is whether a document is of the life that the machine has now, by what EC2 says: when it was launched, which
// a start after a stop is too, and its type, "" when that is not known. The image is not compared: replacing the root
// volume changes it under a machine that runs. A document that is newer than EC2's answer is no replay, and the answer may lag.
func (d Document) Current(launched time.Time, kind string) error {
	switch {
	case launched.IsZero():
		return deny("EC2 does not say when the machine was launched, so that nobody knows whether it is of this life")
	case d.Pending.Before(launched.Add(-slack)):
		return deny("it is of a former life of the machine: its pendingTime is %s, and the machine was launched at %s", stamp(d.Pending), stamp(launched))
	case d.Type != cmp.Or(kind, d.Type):
		return deny("its instanceType is %.64q, and the machine's is %s", d.Type, kind)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Missing is the error of a request without a document where each needs one.
func Missing() error {
	return deny("there is none, and this stack releases keys only to machines that send theirs")
}

func deny(format string, args ...any) error {
	return fault.In(Field, fault.New(fault.Denied, "checking the instance identity document: %s", fmt.Sprintf(format, args...)))
}

func invalid(format string, args ...any) error {
	return fault.Wrong(Field, "reading the instance identity document: %s", fmt.Sprintf(format, args...))
}
