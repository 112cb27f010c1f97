package guard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/keypolicy"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Reasons of a Hold because of others on the key.
const (
	ReasonKeyShared        Reason = "key-shared"
	ReasonDependantsUnread Reason = "key-dependants-unread"
)

// Around is what AWS lists around one key. Each list is whole: a page that could not be read makes it
// Unread, and with it everything that is said about the key's dependants.
type Around struct {
	Policy  string // the key's policy document
	Grants  []KeyGrant
	Aliases []string
	Disks   []Disk
	LastUse Use
	Unread  string // what could not be read, in one line; "" when all was read whole
}

// KeyGrant is a grant on the key.
type KeyGrant struct {
	ID            string // KMS's; may be empty where only people read it
	Name, Grantee string
	Operations    []string
}

// String is the grant in one line for people.
func (g KeyGrant) String() string {
	name := g.Name
	if name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("grant %s to %s for %s", name, g.Grantee, strings.Join(g.Operations, ", "))
}

// Disk is a volume or a snapshot that is encrypted under the key.
type Disk struct {
	ID       string
	Snapshot bool
	Volume   string   // that a snapshot was made of
	Machines []string // that a volume is attached to
}

// Use is the last successful use of the key, as far back as KMS remembers. The zero value is one that is
// not known.
type Use struct {
	Known     bool
	Operation string // "" when it was never used since KMS keeps count
	At        time.Time
	Event     string // CloudTrail event id
}

// Self is the machine whose key is to be taken.
type Self struct {
	Machine string
	Session string // ARN
	Mode    policy.Mode
}

// unseen is what AWS has no list of.
const unseen = "who decrypts through a service without a grant, and whoever may change the key's policy or make grants, is in no list"

// Depend says who else would lose what is taken from a machine. With revoke-grant that is nobody: the
// grants of this machine alone are taken, the key stays as it is for all others, and so do volumes and
// snapshots under it. With disable-key everybody loses the key, so everything that is not the machine's
// own is outside: grants to others, whoever else the key's policy lets in, volumes that are not attached
// to this machine alone, and snapshots of other volumes than its own.
func Depend(m Self, a Around) record.Dependants {
	if m.Mode == policy.RevokeGrant {
		return record.Dependants{Read: true}
	}
	if a.Unread != "" {
		return record.Dependants{Unread: a.Unread}
	}
	ways, err := keypolicy.Ways(a.Policy)
	if err != nil {
		return record.Dependants{Unread: "the key policy is none that can be understood"}
	}
	d := record.Dependants{Read: true, Aliases: a.Aliases, LastUse: a.LastUse.line(), Unseen: unseen}
	for _, g := range a.Grants {
		if g.Grantee != m.Session {
			d.Others = append(d.Others, g.String())
		}
	}
	for _, w := range ways {
		if w.Who != m.Session {
			d.Others = append(d.Others, "key policy: "+w.How)
		}
	}
	sortDisks(&d, m.Machine, a.Disks)
	return d
}

// sortDisks sorts volumes and snapshots into the machine's own and others.
func sortDisks(d *record.Dependants, machine string, disks []Disk) {
	own := map[string]bool{}
	for _, k := range disks {
		if !k.Snapshot && slices.Equal(k.Machines, []string{machine}) {
			own[k.ID] = true
		}
	}
	for _, k := range disks {
		switch {
		case k.Snapshot && own[k.Volume]:
			d.Own = append(d.Own, "snapshot "+k.ID+" of volume "+k.Volume)
		case k.Snapshot:
			d.Others = append(d.Others, "snapshot "+k.ID+" of volume "+k.Volume)
		case own[k.ID]:
			d.Own = append(d.Own, "volume "+k.ID)
		case len(k.Machines) == 0:
			d.Others = append(d.Others, "volume "+k.ID+", attached to no machine")
		default:
			d.Others = append(d.Others, "volume "+k.ID+", attached to "+strings.Join(k.Machines, ", "))
		}
	}
}

func (u Use) line() string {
	switch {
	case !u.Known:
		return "not known"
	case u.Operation == "":
		return "none since KMS keeps count"
	}
	return fmt.Sprintf("%s at %s, CloudTrail event %s", u.Operation, u.At.UTC().Format(time.RFC3339), u.Event)
}

// alone holds when nobody else depends on the key, or the policy says that others may lose it too. A mode
// that is not known is never alone.
func alone(f Facts, _ time.Time) Reason {
	switch d := f.Key.Dependants; {
	case f.Key.Mode == policy.RevokeGrant, f.Policy.Terms.SharedAllowed:
		return ""
	case !d.Read:
		return ReasonDependantsUnread
	case len(d.Others) > 0:
		return ReasonKeyShared
	}
	return ""
}

// told are how many dependants a detail names; keyward machine show has all.
const told = 5

// shared is the list that a reason is about.
func shared(d record.Dependants, r Reason) string {
	if r == ReasonDependantsUnread {
		return d.Unread
	}
	text := strings.Join(d.Others[:min(len(d.Others), told)], "; ")
	if more := len(d.Others) - told; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
