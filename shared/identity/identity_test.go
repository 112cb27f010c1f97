package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/smallstep/pkcs7"

	"github.com/keyward/keyward/local/imds"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/identity"
)

const (
	account = "123456789012"
	region  = "us-east-1"
	machine = "i-1234567890abcdef0"
)

var (
	noon = time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)
	// openssl made what is in testdata: not our own library, and in BER of indefinite length, as AWS's are.
	openssl = identity.Document{Account: account, Region: region, Machine: machine, Type: "t2.micro", Pending: time.Date(2026, 3, 10, 8, 0, 3, 0, time.UTC)}
)

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func verifier(t testing.TB, certificates string) identity.Verifier {
	t.Helper()
	v, err := identity.New(certificates, account, region)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func authority(t testing.TB, from, until time.Time) *imds.Authority {
	t.Helper()
	a, err := imds.NewAuthority(from, until)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sign is a signature of some text, as AWS makes one for a Region, which says that it was made at a time.
func sign(t testing.TB, text string, at time.Time, by *imds.Authority) string {
	t.Helper()
	s, err := by.Sign([]byte(text), at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signer is a certificate of now with its key, for signatures that AWS does not make.
func signer(t *testing.T) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func armoured(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// signed is a document with as many signatures.
func signed(t *testing.T, key *rsa.PrivateKey, cert *x509.Certificate, signatures int) []byte {
	t.Helper()
	s, err := pkcs7.NewSignedData([]byte(document(nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	for range signatures {
		if err := s.AddSigner(cert, key, pkcs7.SignerInfoConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func document(edit func(map[string]any)) string {
	d := map[string]any{"accountId": account, "region": region, "instanceId": machine, "instanceType": "t3.micro", "pendingTime": "2027-03-10T08:00:00Z", "version": "2017-09-30"}
	if edit != nil {
		edit(d)
	}
	text, _ := json.Marshal(d)
	return string(text)
}

func set(name string, to any) string { return document(func(d map[string]any) { d[name] = to }) }

func TestVerifiedDocuments(t *testing.T) {
	t.Parallel()
	signature := file(t, "rsa2048")
	for name, text := range map[string]string{
		"as the metadata service gives it": signature,
		"in one line":                      strings.ReplaceAll(signature, "\n", ""),
		"with armour":                      "-----BEGIN PKCS7-----\n" + signature + "-----END PKCS7-----\n",
		"without attributes":               file(t, "noattr"),
	} {
		got, err := verifier(t, file(t, "certificate.pem")).Verify(text, machine, noon)
		if diff := cmp.Diff(openssl, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	// Of two certificates either counts: AWS changes them, and both are known for a time.
	old, next := authority(t, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0)), authority(t, noon.AddDate(0, -1, 0), noon.AddDate(2, 0, 0))
	for _, a := range []*imds.Authority{old, next} {
		if _, err := verifier(t, old.Certificate()+next.Certificate()).Verify(sign(t, document(nil), noon, a), machine, noon); err != nil {
			t.Errorf("one of two certificates: %v", err)
		}
	}
}

func TestRefusedDocuments(t *testing.T) {
	t.Parallel()
	aws, stranger := authority(t, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0)), authority(t, noon.AddDate(-2, 0, 0), noon.AddDate(2, 0, 0))
	good := sign(t, document(nil), noon.Add(-time.Hour), aws)
	raw, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(good, "\n", ""))
	altered := base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(raw), machine, "i-1234567890abcdef1", 1)))
	for name, tt := range map[string]struct {
		signature string
		kind      fault.Kind
		want      string
	}{
		"nothing":                    {"", fault.Invalid, "it is not base64"},
		"no base64":                  {"%%%", fault.Invalid, "it is not base64"},
		"the document itself":        {document(nil), fault.Invalid, "it is not base64"},
		"base64 of something":        {"a2V5d2FyZA==", fault.Invalid, "no PKCS#7 signature"},
		"a certificate":              {strings.Split(aws.Certificate(), "-----")[2], fault.Invalid, "no PKCS#7 signature"},
		"half of it":                 {base64.StdEncoding.EncodeToString(raw[:len(raw)/2]), fault.Invalid, "no PKCS#7 signature"},
		"too long":                   {strings.Repeat("A", 8193), fault.Invalid, "it has 8193 characters, expected at most 8192"},
		"nested":                     {base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x30\x80", 3000))), fault.Invalid, "no PKCS#7 signature"},
		"without its document":       {file(t, "detached"), fault.Invalid, "no PKCS#7 signature with its document"},
		"SHA-1":                      {file(t, "sha1"), fault.Denied, "its digest is not SHA-256"},
		"signed by a stranger":       {sign(t, document(nil), noon, stranger), fault.Denied, "not signed with a certificate that this stack knows"},
		"altered":                    {altered, fault.Denied, "its signature does not fit it"},
		"signed before its time":     {sign(t, document(nil), noon.AddDate(-3, 0, 0), aws), fault.Denied, "when its certificate was not valid"},
		"another account":            {sign(t, set("accountId", "210987654321"), noon, aws), fault.Denied, `its accountId is "210987654321", expected the machine's own, 123456789012`},
		"another Region":             {sign(t, set("region", "eu-central-1"), noon, aws), fault.Denied, `its region is "eu-central-1"`},
		"another machine":            {sign(t, set("instanceId", "i-0fedcba0987654321"), noon, aws), fault.Denied, `its instanceId is "i-0fedcba0987654321", expected the machine's own, ` + machine},
		"a long id":                  {sign(t, set("instanceId", strings.Repeat("x", 1000)), noon, aws), fault.Denied, `its instanceId is "` + strings.Repeat("x", 64) + `", expected`},
		"a time that is none":        {sign(t, set("pendingTime", "yesterday"), noon, aws), fault.Invalid, "no instance identity document"},
		"without a time":             {sign(t, document(func(d map[string]any) { delete(d, "pendingTime") }), noon, aws), fault.Invalid, "no instance identity document"},
		"without an id":              {sign(t, document(func(d map[string]any) { delete(d, "instanceId") }), noon, aws), fault.Invalid, "no instance identity document"},
		"something else that signed": {sign(t, "[]", noon, aws), fault.Invalid, "no instance identity document"},
	} {
		d, err := verifier(t, aws.Certificate()).Verify(tt.signature, machine, noon)
		if !fault.Is(err, tt.kind) || !strings.Contains(fault.Safe(err), tt.want) || d != (identity.Document{}) {
			t.Errorf("%s: %v %v, want %q", name, d, err, tt.want)
		}
		if f := fault.Fields(err); len(f) != 1 || f[0].Name != "identityDocument" {
			t.Errorf("%s: names the fields %+v", name, f)
		}
	}
}

// One signature is expected, and what the signed attributes of one say is no document, when it is given out as what was signed.
func TestOtherSignatures(t *testing.T) {
	t.Parallel()
	key, cert := signer(t)
	v, now := verifier(t, armoured(cert)), time.Now()
	for n, want := range map[int]string{0: "no PKCS#7 signature", 1: "", 2: "it has 2 signatures, expected one"} {
		_, err := v.Verify(base64.StdEncoding.EncodeToString(signed(t, key, cert, n)), machine, now)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d signatures: %v, want %q", n, err, want)
		}
	}
	p, err := pkcs7.Parse(signed(t, key, cert, 1))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, a := range p.Signers[0].AuthenticatedAttributes {
		b, err := asn1.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	set, err := asn1.Marshal(asn1.RawValue{Tag: 17, IsCompound: true, Bytes: all})
	if err != nil {
		t.Fatal(err)
	}
	s, err := pkcs7.NewSignedData(set)
	if err != nil {
		t.Fatal(err)
	}
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := s.SignWithoutAttr(cert, key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	s.GetSignedData().SignerInfos[0].EncryptedDigest = p.Signers[0].EncryptedDigest
	forged, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(base64.StdEncoding.EncodeToString(forged), machine, now); !fault.Is(err, fault.Invalid) {
		t.Errorf("a signature over attributes is taken for one over a document: %v", err)
	}
}

func TestCertificateInTime(t *testing.T) {
	t.Parallel()
	aws := authority(t, noon.Add(-time.Hour), noon.Add(time.Hour))
	signature := sign(t, document(nil), noon, aws)
	for name, tt := range map[string]struct {
		now  time.Time
		want string
	}{
		"before": {noon.Add(-2 * time.Hour), "is valid from 2027-03-10T11:00:00Z to 2027-03-10T13:00:00Z, and it is 2027-03-10T10:00:00Z"},
		"within": {noon.Add(30 * time.Minute), ""},
		"after":  {noon.Add(time.Hour + time.Second), "and it is 2027-03-10T13:00:01Z: the stack needs the one that AWS signs with now"},
	} {
		_, err := verifier(t, aws.Certificate()).Verify(signature, machine, tt.now)
		if (tt.want == "") != (err == nil) || err != nil && (!fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := (identity.Verifier{}).Verify(signature, machine, noon); !fault.Is(err, fault.Denied) || verifier(t, " \n").Ready() || !verifier(t, aws.Certificate()).Ready() {
		t.Errorf("without a certificate: %v", err)
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	d := identity.Document{Type: "t3.micro", Pending: noon}
	for name, tt := range map[string]struct {
		launched time.Time
		kind     string
		want     string
	}{
		"the same second":            {noon, "t3.micro", ""},
		"a minute of slack":          {noon.Add(time.Minute), "t3.micro", ""},
		"started since":              {noon.Add(time.Minute + time.Second), "t3.micro", "it is of a former life of the machine: its pendingTime is 2027-03-10T12:00:00Z, and the machine was launched at 2027-03-10T12:01:01Z"},
		"newer than EC2's answer":    {noon.Add(-time.Hour), "t3.micro", ""},
		"another type":               {noon, "m7g.large", `its instanceType is "t3.micro", and the machine's is m7g.large`},
		"a type that nobody knows":   {noon, "", ""},
		"a launch that nobody knows": {time.Time{}, "t3.micro", "EC2 does not say when"},
	} {
		err := d.Current(tt.launched, tt.kind)
		if (tt.want == "") != (err == nil) || err != nil && (!fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), tt.want) || len(fault.Fields(err)) != 1) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	good := file(t, "certificate.pem")
	for name, tt := range map[string]struct {
		text string
		many int
		want string
	}{
		"none":                  {"", 0, ""},
		"one":                   {good, 1, ""},
		"two":                   {good + "\n" + good, 2, ""},
		"spaces for lines":      {strings.ReplaceAll(good, "\n", " "), 1, ""},
		"in one line":           {strings.ReplaceAll(good, "\n", ""), 1, ""},
		"text before it":        {"x " + good, 0, "reading certificate 1: expected -----BEGIN CERTIFICATE-----"},
		"not closed":            {good + "-----BEGIN CERTIFICATE----- AAAA", 0, "reading certificate 2: expected"},
		"no base64":             {"-----BEGIN CERTIFICATE-----%-----END CERTIFICATE-----", 0, "it is not base64"},
		"no certificate":        {"-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----", 0, "reading certificate 1: x509"},
		"an RSA key of 1024":    {weak(t), 0, "it is not of an RSA key of at least 2048 bits"},
		"a key instead of both": {"-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----", 0, "expected -----BEGIN CERTIFICATE-----"},
	} {
		all, err := identity.Certificates(tt.text)
		if len(all) != tt.many || (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d, %v; want %d, %q", name, len(all), err, tt.many, tt.want)
		}
		if _, newErr := identity.New(tt.text, account, region); (newErr == nil) != (err == nil) {
			t.Errorf("%s: New says %v", name, newErr)
		}
	}
}

// weak is a certificate of a key that AWS's older signatures have.
func weak(t *testing.T) string { return file(t, "weak.pem") }

func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	if err := identity.Missing(); !fault.Is(err, fault.Denied) || fault.Fields(err)[0].Name != identity.Field {
		t.Error(err)
	}
}

// Whatever is made of a signature, nothing but the document that was signed comes out.
func FuzzVerify(f *testing.F) {
	signature := file(f, "rsa2048")
	for _, s := range []string{signature, file(f, "sha1"), file(f, "detached"), file(f, "noattr"), "", "MIAGCSqGSIb3DQEHAqCAMIACAQEx"} {
		raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(s, "\n", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	v := verifier(f, file(f, "certificate.pem"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := v.Verify(base64.StdEncoding.EncodeToString(raw), machine, noon)
		if err == nil && d != openssl {
			t.Errorf("Verify = %+v, which nobody signed", d)
		}
		if err != nil && (d != identity.Document{} || len(fault.Fields(err)) != 1) {
			t.Errorf("Verify = %+v and %v", d, err)
		}
		v.Verify(string(raw), machine, noon)
	})
}

func FuzzCertificates(f *testing.F) {
	f.Add(file(f, "certificate.pem"))
	f.Fuzz(func(t *testing.T, text string) {
		if all, err := identity.Certificates(text); err != nil && len(all) > 0 {
			t.Errorf("Certificates gives %d and %v", len(all), err)
		}
	})
}
