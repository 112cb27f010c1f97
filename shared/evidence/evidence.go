// Package evidence turns what a machine printed into facts: it reads the wire line, checks that it
// answers our command, parses the raw records and keeps for every leaf whether it is known and, if
// not, why. It never judges and never touches the machine. Whatever comes from a machine is hostile:
// strings are length-limited printable ASCII, lists are capped.
//
// The inspect document produces the records, evaluate and keyward inspect --here read them, policy
// judges the result.
package evidence

import "time"

// Schema is the version of Evidence that this code writes.
const Schema = 1

// Limits on what is accepted from one machine; what is over is cut and Collect.Complete is no.
const (
	MaxListeners = 512
	MaxMounts    = 256
	MaxProducts  = 32
	MaxText      = 256 // characters of any string
)

// Evidence is the normalised outcome of one inspection.
type Evidence struct {
	Schema    int                      `json:"schema"`
	Machine   string                   `json:"machine"`  // from the SSM invocation, not from the guest
	Platform  string                   `json:"platform"` // linux or windows, says the guest
	Collect   Collect                  `json:"collect"`
	OS        OS                       `json:"os"`
	Listeners Fact[[]Listener]         `json:"listeners"`
	Firewall  Firewall                 `json:"firewall"`
	Mounts    Fact[[]Mount]            `json:"mounts"`
	System    `json:"system,omitzero"` // what was collected on demand
	AWS       *AWS                     `json:"aws,omitempty"` // nil when no rule asks for it
	Products  []Product                `json:"products"`      // one for each product that is looked for, present or not
	Others    *Others                  `json:"others,omitempty"`
}

// Collect says how the facts were had.
type Collect struct {
	CommandID   string     `json:"commandId"`
	Nonce       string     `json:"nonce"`
	Probe       string     `json:"probe"`      // name/version of the script, such as linux-sh/1.0.0
	Sent        time.Time  `json:"sent"`       // when the command was sent, by our clock; orders evidence
	GuestStart  time.Time  `json:"guestStart"` // by the guest's clock
	GuestEnd    time.Time  `json:"guestEnd"`
	GuestZone   string     `json:"guestZone,omitempty"` // +0100
	Received    time.Time  `json:"received"`            // when we read the answer
	SkewSeconds int64      `json:"skewSeconds"`         // guest clock minus ours
	Complete    Fact[bool] `json:"complete"`            // every record whole
	Privileged  Fact[bool] `json:"privileged"`          // the probe ran as root
	Records     []Record   `json:"records"`
	MountPoints []string   `json:"mountPoints,omitempty"` // that were asked for: what holds them is among the mounts, of any kind
}

// Record is one read of the probe: whether it worked.
type Record struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, cut, timeout, absent, denied, unsafe, error
	Code  int    `json:"code"`  // exit status, -1 when not known
	Bytes int    `json:"bytes"`
}

// OS is the operating system.
type OS struct {
	ID        Fact[string]    `json:"id"`        // os-release ID: debian, amzn, rhel; windows
	VersionID Fact[string]    `json:"versionId"` // os-release VERSION_ID; 10.0.20348.2527
	Pretty    Fact[string]    `json:"pretty"`
	Kernel    Fact[string]    `json:"kernel"` // uname -r; on Windows the same as the version
	Arch      Fact[string]    `json:"arch"`   // uname -m
	BootID    Fact[string]    `json:"bootId"`
	Boot      Fact[time.Time] `json:"boot"`
}

// Listener is one socket that waits for connections or datagrams.
type Listener struct {
	Proto      string       `json:"proto"`  // tcp or udp
	Family     int          `json:"family"` // 4 or 6
	Addr       string       `json:"addr"`   // without brackets
	Port       int          `json:"port"`
	DualStack  Fact[bool]   `json:"dualStack"` // a :: socket that answers IPv4 too
	Scope      string       `json:"scope"`     // any, loopback, linklocal, specific
	UID        int          `json:"uid"`       // NoUID where there are none
	PID        Fact[int]    `json:"pid"`
	Exe        Fact[string] `json:"exe"` // /proc/<pid>/exe, without " (deleted)"
	ExeDeleted bool         `json:"exeDeleted,omitempty"`
	ExeForeign bool         `json:"exeForeign,omitempty"` // at this path there is another file: another namespace's program
}

// NoUID is the owner of a socket on Windows, which has no numbers of users.
const NoUID = -1

// Firewall is the host's packet filter.
type Firewall struct {
	Engine     Fact[string] `json:"engine"`     // nft, iptables, firewalld, ufw, wfp (Windows), none
	Active     Fact[bool]   `json:"active"`     // an input hook that drops or rejects
	DefaultIn  Fact[string] `json:"defaultIn"`  // allow or drop, for IPv4
	DefaultIn6 Fact[string] `json:"defaultIn6"` // the same for IPv6
	Rules      Fact[int]    `json:"rules"`
}

// Mount is one mounted file system.
type Mount struct {
	Target    string       `json:"target"`
	FSType    string       `json:"fstype"`
	Source    string       `json:"source"`
	Device    string       `json:"device"`         // major:minor
	Root      string       `json:"root,omitempty"` // what of the file system is mounted; not / for a bind mount
	Options   []string     `json:"options"`
	Encrypted Fact[bool]   `json:"encrypted"` // every leaf device passes a dm-crypt layer; BitLocker encrypts and protects
	Crypt     Fact[string] `json:"crypt"`     // LUKS2, LUKS1, PLAIN, BitLocker
}

// ProductID names a product of the catalogue.
type ProductID string

// The products that are looked for. They are the names that policies use.
const (
	OSSEC         ProductID = "ossec"
	Wazuh         ProductID = "wazuh"
	DeepSecurity  ProductID = "deep-security"
	ServerProtect ProductID = "serverprotect-linux"
	OfficeScan    ProductID = "officescan"
	DefenderAV    ProductID = "defender" // Microsoft Defender Antivirus on Windows
	ClamAV        ProductID = "clamav"
	Defender      ProductID = "defender-endpoint" // Microsoft Defender for Endpoint on Linux
	CrowdStrike   ProductID = "crowdstrike"
	SentinelOne   ProductID = "sentinelone"
	GuardDuty     ProductID = "guardduty" // the agent of its runtime monitoring
	AIDE          ProductID = "aide"
	Auditd        ProductID = "auditd"
)

// Product is one security product: found or not, and in what state.
type Product struct {
	ID         ProductID       `json:"id"`
	Present    Fact[bool]      `json:"present"` // known false is knowledge: it is not installed
	Kind       Fact[string]    `json:"kind"`    // agent, server, local, hybrid
	Variant    Fact[string]    `json:"variant"`
	Dir        Fact[string]    `json:"dir"`
	Version    Fact[string]    `json:"version"`
	Running    Running         `json:"running"`
	Protection Protection      `json:"protection"`
	Definition Definition      `json:"definition"`
	LastScan   Fact[time.Time] `json:"lastScan"`
	CheckedIn  Fact[time.Time] `json:"checkedIn"` // last contact with its manager, or with whoever updates it
	Config     Config          `json:"config"`
	Confidence Confidence      `json:"confidence,omitempty"`
	Why        []string        `json:"why,omitempty"`     // reason codes: not_installed, residue, windows_only, linux_only, not_root, …
	Sources    []string        `json:"sources,omitempty"` // records used
}

// Running is what a product's processes do.
type Running struct {
	State    Fact[string] `json:"state"` // running, partial, stopped
	Expected []string     `json:"expected,omitempty"`
	Up       []string     `json:"up,omitempty"`
	Missing  []string     `json:"missing,omitempty"`
	PIDs     []int        `json:"pids,omitempty"`
}

// Protection is whether a product protects.
type Protection struct {
	State   Fact[string] `json:"state"` // protecting, reduced, off
	Modules []Module     `json:"modules,omitempty"`
	Reason  string       `json:"reason,omitempty"`
}

// Module is one protection module of a product.
type Module struct {
	Name string       `json:"name"`
	Mode Fact[string] `json:"mode"`
	OK   Fact[bool]   `json:"ok"`
}

// Definition is the state of a product's patterns or signatures.
type Definition struct {
	Version Fact[string]    `json:"version"`
	Date    Fact[time.Time] `json:"date"`
}

// Config is whether a product's settings let it work.
type Config struct {
	Health Fact[string] `json:"health"` // ok, or bad with the issues
	Issues []string     `json:"issues,omitempty"`
}

// Find is the product with this id, or one about which nothing is known.
func (e *Evidence) Find(id ProductID) Product {
	for _, p := range e.Products {
		if p.ID == id {
			return p
		}
	}
	return Product{ID: id, Present: Unknown[bool]("not_looked_for")}
}
