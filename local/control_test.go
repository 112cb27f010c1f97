package local_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/keyward/keyward/local"
)

func TestControlIsClosed(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	for _, token := range []string{"", "guess"} {
		if code, _ := control(t, s, token, "GET", "status", ""); code != http.StatusUnauthorized {
			t.Errorf("GET status with token %q = %d, want 401", token, code)
		}
	}
	r, err := http.NewRequest("GET", s.URL()+"/_local/status?token="+s.Token(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET status with the token in the query = %v, %v; want 401", answer, err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token())
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("GET status with a bearer token = %v, %v; want 200", answer, err)
	}
	for name, change := range map[string]func(*http.Request){
		"foreign host": func(r *http.Request) { r.Host = "example.com" },
		"a web page":   func(r *http.Request) { r.Header.Set("Origin", "https://example.com") },
	} {
		r := r.Clone(context.Background())
		change(r)
		if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, %v; want 403", name, answer, err)
		}
	}
}

func TestTimeMoves(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	before := s.Clock().Now()
	code, status := control(t, s, s.Token(), "POST", "forward", `{"duration":"4h"}`)
	now, err := time.Parse(time.RFC3339, fmt.Sprint(status["now"]))
	offset, wrong := time.ParseDuration(fmt.Sprint(status["offset"])) // the way there took real time too
	if code != 200 || err != nil || now.Sub(before) < 4*time.Hour || wrong != nil || offset < 4*time.Hour-time.Minute || offset > 4*time.Hour {
		t.Errorf("forward 4h = %d %v from %s", code, status, before)
	}
	to := now.Add(time.Hour).Format(time.RFC3339Nano)
	if code, _ = control(t, s, s.Token(), "POST", "forward", `{"to":"`+to+`"}`); code != 200 || s.Clock().Now().Before(now.Add(time.Hour)) {
		t.Errorf("forward to %s = %d, now %s", to, code, s.Clock().Now())
	}
	if f := s.Status().Functions[0]; f.Invocations != 6 { // a rate fires at once, and then every hour
		t.Errorf("the hourly schedule called its function %d times in five hours", f.Invocations)
	}
	if code, _ = control(t, s, s.Token(), "POST", "settle", ""); code != 200 {
		t.Errorf("settle = %d", code)
	}
	for _, body := range []string{`{}`, `{"duration":"1h","to":"` + to + `"}`, `{"duration":"-1h"}`, `{"duration":"soon"}`, `{"duration":"100000h"}`, `{"hours":4}`, `[]`} {
		if code, answer := control(t, s, s.Token(), "POST", "forward", body); code != 400 || answer["error"] == "" {
			t.Errorf("forward %s = %d %v, want 400", body, code, answer)
		}
	}
}

func TestMachinesAndEvents(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	code, _ := control(t, s, s.Token(), "PUT", "machines/"+local.HostMachine, `{"state":"stopped","tags":{"tier":"web"}}`)
	if code != 200 {
		t.Fatalf("PUT machine = %d", code)
	}
	if err := s.Clock().Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if f := s.Status().Functions[0]; f.Invocations != 2 || f.Errors != 0 {
		t.Errorf("the rule's function %+v, want one invocation besides the schedule's", f)
	}
	if code, machines := control(t, s, s.Token(), "GET", "machines", ""); code != 200 || !strings.Contains(fmt.Sprint(machines), "stopped") {
		t.Errorf("GET machines = %d %v", code, machines)
	}
	if code, events := control(t, s, s.Token(), "GET", "events", ""); code != 200 || !strings.Contains(fmt.Sprint(events), "State-change") {
		t.Errorf("GET events = %d %v", code, events)
	}
	for path, body := range map[string]string{
		"machines/i-1234567890abcdef0": `{"id":"i-other"}`, "machines/web": `{}`, "machines/i-0000000000000000a": `{"state":"odd"}`,
	} {
		if code, answer := control(t, s, s.Token(), "PUT", path, body); code != 400 {
			t.Errorf("PUT %s %s = %d %v, want 400", path, body, code, answer)
		}
	}
	if code, key := control(t, s, s.Token(), "GET", "credentials?machine="+local.HostMachine, ""); code != 200 || key["sessionToken"] == "" {
		t.Errorf("GET credentials of a machine = %d", code)
	}
	code, key := control(t, s, s.Token(), "GET", "credentials?machine="+local.HostMachine, "")
	if want, err := s.MetadataURL(local.HostMachine); err != nil || code != 200 || key["metadataEndpoint"] != want {
		t.Errorf("the machine's metadata service is %v, %v; want %s", key["metadataEndpoint"], err, want)
	}
	if code, _ := control(t, s, s.Token(), "GET", "credentials?machine=i-none", ""); code != 404 {
		t.Errorf("GET credentials of nobody = %d, want 404", code)
	}
	if code, key := control(t, s, s.Token(), "GET", "credentials", ""); code != 200 || key["accessKeyId"] != s.Credentials().AccessKeyID {
		t.Errorf("GET credentials = %d", code)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	code, fault := control(t, s, s.Token(), "POST", "faults", `{"kind":"error","service":"sts","code":"Wrong"}`)
	if code/100 != 2 {
		t.Fatalf("POST faults = %d %v", code, fault)
	}
	client := sts.NewFromConfig(config(s, s.Credentials()))
	if _, err := client.GetCallerIdentity(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "Wrong") {
		t.Errorf("GetCallerIdentity under a fault = %v", err)
	}
	r, err := http.NewRequest("DELETE", s.URL()+"/_local/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(local.TokenHeader, s.Token())
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("DELETE faults = %v, %v", answer, err)
	}
	if _, err := client.GetCallerIdentity(context.Background(), nil); err != nil {
		t.Errorf("GetCallerIdentity after the fault = %v", err)
	}
}

// A machine reaches its own metadata service, and nobody another's.
func TestMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	if err := s.PutMachine(local.Machine{ID: "i-0000000000000000a"}); err != nil {
		t.Fatal(err)
	}
	ask := func(url string) int {
		r, err := http.NewRequest("PUT", url+"/latest/api/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-aws-ec2-metadata-token-ttl-seconds", "60")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	own, err := s.MetadataURL(local.HostMachine)
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]int{
		own: 200, strings.Replace(own, local.HostMachine, "i-0000000000000000a", 1): 401, s.URL(): 401, strings.Replace(s.URL(), "://", "://:@", 1): 401,
	} {
		if got := ask(url); got != want {
			t.Errorf("%s = %d, want %d", url, got, want)
		}
	}
	if code, _ := control(t, s, s.Token(), "PUT", "machines/"+local.HostMachine, `{"state":"stopped"}`); code != 200 || ask(own) != 404 {
		t.Errorf("a machine that is stopped has a metadata service: %d", code)
	}
	for _, id := range []string{"i-none", "mi-1a2b3c4d5e6f7a8b9"} {
		if url, err := s.MetadataURL(id); err == nil {
			t.Errorf("the metadata service of %s is %s", id, url)
		}
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	for body, want := range map[string]int{
		`{"sandbox":true,"unconfirmed":true}`: 200, `{}`: 200, `{"unverified":["nobody@example.com"]}`: 400, `{"what":1}`: 400,
	} {
		if code, answer := control(t, s, s.Token(), "PUT", "account", body); code != want {
			t.Errorf("PUT account %s = %d %v, want %d", body, code, answer, want)
		}
	}
}
