package record

// Dependants are who else would lose what a revocation takes. The zero value is not known.
type Dependants struct {
	Read    bool     `json:"read"`
	Unread  string   `json:"unread,omitempty"`
	Others  []string `json:"others,omitempty"`  // outside the enforcement, one line each
	Own     []string `json:"own,omitempty"`     // the machine's own volumes and their snapshots
	Aliases []string `json:"aliases,omitempty"` // names of the key: signs, no users
	LastUse string   `json:"lastUse,omitempty"` // a sign too: KMS does not say by whom
	Unseen  string   `json:"unseen,omitempty"`  // what no list shows
}
