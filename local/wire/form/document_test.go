package form_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/wire/form"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, form, want string }{
		{"nothing", "Action=A&Version=1", `{}`},
		{"a value", "Name=a", `{"Name":"a"}`},
		{"an EC2 list", "Filter.1.Name=a&Filter.1.Value.1=x&Filter.1.Value.2=y&Filter.2.Name=b", `{"Filter":[{"Name":"a","Value":["x","y"]},{"Name":"b"}]}`},
		{"a Query list", "Tags.member.1.Key=a&Tags.member.2.Key=b", `{"Tags":[{"Key":"a"},{"Key":"b"}]}`},
		{"ten and two in order", "a.10=z&a.2=y", `{"a":["y","z"]}`},
	} {
		values, _ := url.ParseQuery(c.form)
		got, err := form.Document(values)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: form.Document(%q) = %s, %v; want %s", c.name, c.form, got, err, c.want)
		}
	}
}

func TestDocumentRefuses(t *testing.T) {
	t.Parallel()
	many := url.Values{}
	for i := range 10_001 {
		many.Set(fmt.Sprint("a", i), "")
	}
	forms := map[string]url.Values{"too many": many}
	for name, text := range map[string]string{
		"twice": "a=1&a=2", "empty name": "=1", "empty part": "a..b=1", "only member": "member=1",
		"value then structure": "a=1&a.b=2", "mixed": "a.1=x&a.b=y", "a list at the top": "1=a",
		"same number": "a.1=x&a.01=y", "deep": strings.Repeat("a.", 12) + "a=1",
	} {
		forms[name], _ = url.ParseQuery(text)
	}
	for name, values := range forms {
		if got, err := form.Document(values); err == nil {
			t.Errorf("%s: form.Document = %s, want an error", name, got)
		}
	}
}

func FuzzDocument(f *testing.F) {
	f.Add("Filter.1.Name=a&Filter.1.Value.1=x&DryRun=true")
	f.Add("Tags.member.1.Key=a&Tags.member.1=b")
	f.Add("a.99999999999999999999=1&a.-1=2&a.1=3")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		document, err := form.Document(values)
		if err != nil {
			return
		}
		if !json.Valid(document) || document[0] != '{' {
			t.Fatalf("form.Document(%q) = %s, not an object", text, document)
		}
		type input struct {
			DryRun     bool
			MaxResults *int32
			Filter     []struct{ Value []string }
			Name       map[string]float64
		}
		typed, err := form.Typed(document, nil, reflect.TypeFor[input]())
		if err != nil || !json.Valid(typed) {
			t.Fatalf("typed(%s) = %s, %v", document, typed, err)
		}
	})
}
