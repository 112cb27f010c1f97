package enforcement_test

import (
	"testing"

	"github.com/keyward/keyward/shared/enforcement"
)

func TestName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		in      enforcement.Input
		attempt int
		want    string
	}{
		{"enforce", enforcement.Input{Machine: "i-1234567890abcdef0", Generation: 3, Kind: enforcement.Enforce}, 1, "i-1234567890abcdef0-3-enforce-1"},
		{"tell names its notice", enforcement.Input{Machine: "mi-0123456789abcdef0", Generation: 12, Kind: enforcement.Tell, Notice: "cannotCheck"}, 2, "mi-0123456789abcdef0-12-tell-cannotCheck-2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := enforcement.Name(tt.in, tt.attempt)
			if got != tt.want {
				t.Errorf("Name = %q, want %q", got, tt.want)
			}
			if len(got) > 80 {
				t.Errorf("Name is %d characters long, Step Functions takes 80", len(got))
			}
		})
	}
}
