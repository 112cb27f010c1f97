package store_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/aws/store"
)

// docs/store.md is what people read before they change the table: it lists every method.
func TestEveryMethodIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/store.md")
	must(t, err)
	methods := reflect.TypeFor[*store.Store]()
	for i := range methods.NumMethod() {
		if name := methods.Method(i).Name; strings.Count(string(page), "\n| `"+name+"` |") != 1 {
			t.Errorf("docs/store.md has no row, or several, of %s", name)
		}
	}
}
