package scenario_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	localsns "github.com/keyward/keyward/local/sns"
	"github.com/keyward/keyward/shared/aws/webhook"
	"github.com/keyward/keyward/shared/record"
)

// endpoint receives posts, and refuses the first of them.
type endpoint struct {
	mu       sync.Mutex
	refuse   int
	ids      []string // Keyward-Delivery of every post
	received [][]byte // that were accepted
	problems []string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	signed := r.Header.Get(webhook.HeaderSignature)
	stamp, _, _ := strings.Cut(strings.TrimPrefix(signed, "t="), ",")
	at, _ := time.ParseDuration(stamp + "s") // the place's time is not the receiver's
	if err == nil {
		err = webhook.Verify("key", signed, time.Unix(0, 0).Add(at), body)
	}
	if err != nil {
		e.problems = append(e.problems, err.Error())
	}
	e.ids = append(e.ids, r.Header.Get(webhook.HeaderDelivery))
	if e.refuse > 0 {
		e.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	e.received = append(e.received, body)
}

func (e *endpoint) seen() (ids []string, received [][]byte, problems []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ids, e.received, e.problems
}

// believing is the stack's template, whose function notifier believes the certificate of a server of this host.
func believing(t *testing.T, s *httptest.Server) string {
	t.Helper()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return without(t, "NotifierFunction", "          WEBHOOK_NETWORK: !Ref WebhookNetwork\n", "          WEBHOOK_NETWORK: !Ref WebhookNetwork\n          SSL_CERT_FILE: "+roots+"\n")
}

// A machine fails and is put right: what can wait does until the quiet time is over, what cannot goes to mail, topic and
// webhook at once, and the webhook, which fails twice, gets the same again. Another notifier hears of both in one message.
func TestANotifierIsTold(t *testing.T) {
	t.Parallel()
	e := &endpoint{refuse: 2}
	s := httptest.NewTLSServer(e)
	t.Cleanup(s.Close)
	w := begin(t, setup{template: believing(t, s), limits: map[string]string{"WebhookNetwork": "any"}})
	client := sns.New(sns.Options{Region: w.Region(), Credentials: w.operator.key, BaseEndpoint: aws.String(w.URL())})
	topic, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("keyward-notify-shop")})
	if err != nil {
		t.Fatal(err)
	}
	// By the table: the API takes no webhook at an address of this host.
	if _, err := w.store.PutNotifier(t.Context(), record.Notifier{
		Name: "shop-ops", To: []string{"shop@example.com"}, Topic: aws.ToString(topic.TopicArn), Webhook: &record.Webhook{URL: s.URL + "/hook", Secret: "key"},
		Events: []string{"warning", "stoodDown"}, Sender: "Keys of the shop", Quiet: &record.Quiet{From: "00:00", To: "20:00"},
	}); err != nil {
		t.Fatal(err)
	}
	pair, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("keyward-notify-pair")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.PutNotifier(t.Context(), record.Notifier{
		Name: "pair", Topic: aws.ToString(pair.TopicArn), Events: []string{"warning", "stoodDown"}, Digest: &record.Digest{After: 2},
	}); err != nil {
		t.Fatal(err)
	}
	told := func() (mails int) {
		var all []struct{ From string }
		control(t, w.Server, http.MethodGet, "mail", nil, &all)
		for _, m := range all {
			if strings.Contains(m.From, "Keys of the shop") {
				mails++
			}
		}
		return mails
	}
	w.violate()
	w.forward(time.Minute)
	if ids, received, _ := e.seen(); told() != 1 || len(ids) != 1 || len(received) != 0 {
		t.Fatalf("the warning: %d mails, %d posts, %d taken, want one mail and a post that failed", told(), len(ids), len(received))
	}
	w.correct()
	w.forward(30 * time.Minute)
	w.settle()
	ids, received, problems := e.seen()
	if len(ids) != 3 || ids[0] != ids[2] || ids[0] != ids[1] || len(received) != 1 || len(problems) != 0 || told() != 1 {
		t.Fatalf("posts %v, %d taken, %v, %d mails, want the same three times and one mail", ids, len(received), problems, told())
	}
	var body struct {
		Notifier    string
		Occurrences []record.Occurrence
	}
	if err := json.Unmarshal(received[0], &body); err != nil || body.Notifier != "shop-ops" || len(body.Occurrences) != 1 || body.Occurrences[0].Event != "warning" || body.Occurrences[0].Machine != machineID || body.Occurrences[0].DueAt.IsZero() {
		t.Errorf("posted %s, %v", received[0], err)
	}
	w.until(tuesday.Truncate(24 * time.Hour).Add(20*time.Hour + 10*time.Minute))
	w.settle()
	var published []localsns.Message
	control(t, w.Server, http.MethodGet, "topics", nil, &published)
	pairs := slices.DeleteFunc(slices.Clone(published), func(m localsns.Message) bool { return m.Topic != aws.ToString(pair.TopicArn) })
	if len(pairs) != 1 || pairs[0].Attributes["event"] != "" || !strings.Contains(pairs[0].Text, "2 events") || pairs[0].At.After(tuesday.Add(2*time.Hour)) {
		t.Errorf("the digest of two: %+v", pairs)
	}
	published = slices.DeleteFunc(published, func(m localsns.Message) bool { return m.Topic != aws.ToString(topic.TopicArn) })
	if _, received, problems = e.seen(); len(received) != 2 || !strings.Contains(string(received[1]), `"stoodDown"`) || len(problems) != 0 || told() != 2 || len(published) != 2 || published[1].Attributes["event"] != "stoodDown" {
		t.Errorf("after the quiet time: %d posts taken, %v, %d mails, published %+v", len(received), problems, told(), published)
	}
}
