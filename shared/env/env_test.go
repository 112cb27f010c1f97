package env_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/env"
)

type config struct {
	Table   string        `env:"TABLE_NAME"`
	Timeout time.Duration `env:"FUNCTION_TIMEOUT_SECONDS"`
	Limit   int           `env:"LIMIT"`
	Contact string        `env:"CONTACT,optional"`
	Other   string
}

func lookup(m map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func TestParse(t *testing.T) {
	t.Parallel()
	var got config
	err := env.Parse(&got, lookup(map[string]string{"TABLE_NAME": "t", "FUNCTION_TIMEOUT_SECONDS": "30", "LIMIT": "7"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config{Table: "t", Timeout: 30 * time.Second, Limit: 7}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseReportsEveryProblem(t *testing.T) {
	t.Parallel()
	var got config
	err := env.Parse(&got, lookup(map[string]string{"FUNCTION_TIMEOUT_SECONDS": "soon", "LIMIT": "x"}))
	want := `reading TABLE_NAME: it is not set
reading FUNCTION_TIMEOUT_SECONDS="soon": expected whole seconds, such as 60
reading LIMIT="x": expected a whole number`
	if err == nil || err.Error() != want {
		t.Errorf("Parse = %v, want %s", err, want)
	}
}

func TestParseRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	var got struct {
		F float64 `env:"F"`
	}
	if err := env.Parse(&got, lookup(map[string]string{"F": "1"})); err == nil {
		t.Error("Parse took a float field")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	want := []string{"TABLE_NAME", "FUNCTION_TIMEOUT_SECONDS", "LIMIT", "CONTACT"}
	if diff := cmp.Diff(want, env.Names(config{})); diff != "" {
		t.Error(diff)
	}
}
