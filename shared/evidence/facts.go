package evidence

import "time"

// Limits on what is kept of facts that are collected on demand; what is over makes the list unknown.
const (
	MaxNames = 256 // accounts, packages, files, modules with a flag, settings
	MaxFiles = 512 // SUID files, cron files, modules
)

// System are facts about the machine that are collected when a rule needs them. One that was not asked
// for is nil.
type System struct {
	Reboot   *Reboot   `json:"reboot,omitempty"`
	Updates  *Updates  `json:"updates,omitempty"`
	MAC      *MAC      `json:"mac,omitempty"`
	Accounts *Accounts `json:"accounts,omitempty"`
	SSHD     *SSHD     `json:"sshd,omitempty"`
	Time     *TimeSync `json:"time,omitempty"`
	Kernel   *Kernel   `json:"kernel,omitempty"`
	Modules  *Modules  `json:"modules,omitempty"`
	Packages *Packages `json:"packages,omitempty"`
	Files    *Files    `json:"files,omitempty"`
	Cron     *Cron     `json:"cron,omitempty"`
	SUID     *SUID     `json:"suid,omitempty"`
	Tamper   *Tamper   `json:"tamper,omitempty"`
}

// Reboot is whether the machine waits for a reboot, as far as files say it.
type Reboot struct {
	Required Fact[bool] `json:"required"`
	Reasons  []string   `json:"reasons,omitempty"` // marker, kernel 6.1.0-28-amd64, package names; servicing, update on Windows
}

// Updates are packages with a newer version, by the package lists that the machine has. Of Windows only those that
// are installed are known.
type Updates struct {
	Source    Fact[string]    `json:"source"` // apt, hotfixes (Windows)
	Pending   Fact[int]       `json:"pending"`
	Security  Fact[int]       `json:"security"`        // those from a security archive
	Names     []string        `json:"names,omitempty"` // the first of the security ones
	Lists     Fact[time.Time] `json:"lists"`           // when the lists were last renewed
	Installed Fact[time.Time] `json:"installed"`       // when one was last installed; Windows alone
}

// MAC is mandatory access control: SELinux, AppArmor, and the kernel's lockdown.
type MAC struct {
	SELinux            Fact[string] `json:"selinux"`            // enforcing, permissive, disabled
	SELinuxConfigured  Fact[string] `json:"selinuxConfigured"`  // what it will be after a boot
	AppArmor           Fact[bool]   `json:"apparmor"`           // enabled
	AppArmorEnforced   Fact[int]    `json:"apparmorEnforced"`   // profiles in enforce mode
	AppArmorComplained Fact[int]    `json:"apparmorComplained"` // profiles that only complain
	Lockdown           Fact[string] `json:"lockdown"`           // none, integrity, confidentiality
}

// Accounts are those of /etc/passwd and /etc/shadow, or the local ones of Windows; names alone, never a hash.
type Accounts struct {
	UID0   Fact[[]string] `json:"uid0"`   // names of accounts with the uid 0; of administrators on Windows
	Empty  Fact[[]string] `json:"empty"`  // names of accounts without any password
	Login  Fact[int]      `json:"login"`  // accounts with a shell; that are not disabled on Windows
	Remote Fact[bool]     `json:"remote"` // lines that take in accounts from elsewhere (NIS); a domain on Windows
}

// SSHD is what the SSH server's files say; not what the running one has read.
type SSHD struct {
	Installed Fact[bool]    `json:"installed"`
	Settings  []SSHDSetting `json:"settings,omitempty"`
	Why       string        `json:"why,omitempty"` // why the settings are not known as a whole
}

// SSHDSetting is one setting that a file makes. Of several without a Match the first counts.
type SSHDSetting struct {
	Key   string `json:"key"` // in lower case
	Value string `json:"value"`
	Match string `json:"match,omitempty"` // the conditions under which it applies
}

// TimeSync is how the clock is kept.
type TimeSync struct {
	Daemon Fact[string]    `json:"daemon"` // chrony, systemd-timesyncd, ntp, openntpd, none
	Synced Fact[time.Time] `json:"synced"` // when the daemon was last in step with its source
}

// Kernel is the state of the running kernel.
type Kernel struct {
	Taint           Fact[[]string]  `json:"taint"` // letters, as the kernel's documentation names them
	ModulesDisabled Fact[bool]      `json:"modulesDisabled"`
	SignedModules   Fact[bool]      `json:"signedModules"` // modules without a signature are refused
	Lockdown        Fact[string]    `json:"lockdown"`
	SecureBoot      Fact[string]    `json:"secureBoot"`         // on, off, bios
	Settings        []KernelSetting `json:"settings,omitempty"` // sysctls that were asked for
}

// KernelSetting is one sysctl.
type KernelSetting struct {
	Name  string       `json:"name"` // with dots
	Value Fact[string] `json:"value"`
}

// Setting is a sysctl that was asked for.
func (k *Kernel) Setting(name string) Fact[string] {
	for _, s := range k.Settings {
		if s.Name == name {
			return s.Value
		}
	}
	return Unknown[string](WhyNotCollected)
}

// Modules are the kernel's loaded modules.
type Modules struct {
	Loaded Fact[[]string] `json:"loaded"`
	Flags  []NamedFlags   `json:"flags,omitempty"`  // of those that are out of tree, unsigned, proprietary, forced
	Hidden []string       `json:"hidden,omitempty"` // live in /sys and not in the list
}

// NamedFlags is a module with the letters that /proc/modules shows: O, E, P, F.
type NamedFlags struct {
	Name  string `json:"name"`
	Flags string `json:"flags"`
}

// Packages are the packages that were asked for.
type Packages struct {
	Manager   Fact[string] `json:"manager"` // dpkg, rpm, apk, windows
	Count     Fact[int]    `json:"count"`   // of all that are installed
	Asked     []string     `json:"asked,omitempty"`
	Installed []Package    `json:"installed,omitempty"`
	Why       string       `json:"why,omitempty"` // why it is not known what is installed
}

// Package is one installed package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"`
}

// Files are the files that were asked for.
type Files struct {
	Files []File     `json:"files,omitempty"`
	Whole Fact[bool] `json:"whole"`         // the list has all that was asked for
	Why   string     `json:"why,omitempty"` // why the list is not whole
}

// File is one file, by the path that was asked for.
type File struct {
	Path     string          `json:"path"`
	State    Fact[string]    `json:"state"`  // present, absent, link
	Type     Fact[string]    `json:"type"`   // regular file, directory, …
	SHA256   Fact[string]    `json:"sha256"` // of regular files
	Mode     Fact[int]       `json:"mode"`   // permission bits
	UID      Fact[int]       `json:"uid"`
	GID      Fact[int]       `json:"gid"`
	Size     Fact[int64]     `json:"size"` // bytes
	Modified Fact[time.Time] `json:"modified"`
}

// Cron are the files that make things run by the clock.
type Cron struct {
	Files Fact[[]CronFile] `json:"files"`
}

// CronFile is one of them, by its digest: what stands in it may be secret.
type CronFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// SUID are files on local disks that run with their owner's or group's rights.
type SUID struct {
	Files Fact[[]string] `json:"files"`
}

// Tamper are signs that somebody changed what the machine says of itself.
type Tamper struct {
	Signals []Signal   `json:"signals,omitempty"`
	Whole   Fact[bool] `json:"whole"`         // everything was looked at
	Why     []string   `json:"why,omitempty"` // what could not be looked at, as code: reason
}

// Signal is one sign of tampering.
type Signal struct {
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	Source string `json:"source"` // guest, or aws where it contradicts the guest
}

// The codes of signals.
const (
	SignalPreload   = "preload"         // /etc/ld.so.preload names a library
	SignalInit      = "init-env"        // the first process was started with LD_ variables
	SignalOvermount = "overmount"       // something is mounted over a process in /proc
	SignalMasked    = "masked-service"  // the service of a security product cannot be started
	SignalHosts     = "hosts-entry"     // /etc/hosts redirects a vendor's or AWS's name
	SignalDeleted   = "deleted-program" // root runs a program whose file is gone
	SignalReplaced  = "replaced-program"
	SignalPlace     = "program-place" // root runs a program from /tmp, /var/tmp or /dev/shm
	SignalModule    = "hidden-module"
	SignalClock     = "clock"     // the machine's clock is far off
	SignalListener  = "no-owner"  // a socket listens and no process has it
	SignalPatches   = "patches"   // the machine says it is patched, and AWS that patches are missing
	SignalIdentity  = "identity"  // the machine says it is another one
	SignalPlatform  = "platform"  // the machine says it has another system than AWS says
	SignalUserData  = "user-data" // it is started with other user data than it was first seen with
)

// Signals are all codes.
func Signals() []string {
	return []string{
		SignalPreload, SignalInit, SignalOvermount, SignalMasked, SignalHosts, SignalDeleted, SignalReplaced, SignalPlace,
		SignalModule, SignalClock, SignalListener, SignalIdentity, SignalPatches, SignalPlatform, SignalUserData,
	}
}
