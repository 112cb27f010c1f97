package main

import (
	"os"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
)

type policyExplain struct {
	File string `arg:"" help:"Policy file."`
}

func (policyExplain) Help() string {
	return "Example:\n  keyward policy explain policies/web-tier.yaml"
}

// explained is what a policy says, for programs.
type explained struct {
	Policy      string        `json:"policy"`
	Description string        `json:"description,omitempty"`
	TakesKeys   bool          `json:"takesKeys"`
	Soonest     string        `json:"soonest,omitempty"` // from the first failing inspection to the key being taken
	Parts       []policy.Part `json:"parts"`
}

func (a policyExplain) Run(p *show.Printer) error {
	parsed, err := readPolicy(a.File)
	if err != nil {
		return named(a.File, err)
	}
	e := explained{Policy: parsed.Name, Description: parsed.Description, TakesKeys: parsed.TakesKeys(), Parts: parsed.Explain()}
	if soonest, ok := parsed.Soonest(); ok {
		e.Soonest = soonest.String()
	}
	return p.Value(e, func() {
		p.Line("Policy %s. %s", e.Policy, e.Description)
		for _, part := range e.Parts {
			p.Line("")
			p.Line("%s", part.About)
			for _, sentence := range part.Says {
				p.Line("  %s", sentence)
			}
		}
	})
}

type policySchema struct{}

func (policySchema) Help() string { return "Example:\n  keyward policy schema > policy.schema.json" }

func (policySchema) Run() error {
	_, err := os.Stdout.Write(policy.Schema())
	return err
}
