package ses

import (
	"encoding/json"
	"fmt"
)

type state struct {
	Messages   []Message         `json:"messages"` // oldest first
	Suppressed map[string]Reason `json:"suppressed"`
	Sandbox    bool              `json:"sandbox,omitempty"`
	Review     *review           `json:"review,omitempty"`
}

// Save is the mailbox, the suppression list and where the account stands; identities and configuration sets are the template's.
func (s *SES) Save() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(state{Messages: s.messages, Suppressed: s.suppressed, Sandbox: s.sandbox, Review: s.review})
}

// Load puts a saved state in place of the present one. A state that does not read whole changes
// nothing, and neither does an empty one.
func (s *SES) Load(saved json.RawMessage) error {
	if len(saved) == 0 {
		return nil
	}
	var st state
	if err := json.Unmarshal(saved, &st); err != nil {
		return fmt.Errorf("loading the state of ses: %w", err)
	}
	seen := map[string]bool{}
	for _, m := range st.Messages {
		if m.ID == "" || seen[m.ID] {
			return fmt.Errorf("loading the state of ses: message id %q, expected one of its own", m.ID)
		}
		seen[m.ID] = true
	}
	if st.Suppressed == nil {
		st.Suppressed = map[string]Reason{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.suppressed, s.sandbox, s.review = st.Messages, st.Suppressed, st.Sandbox, st.Review
	return nil
}
