package evidence

import (
	"slices"
	"strings"
)

// parseVolumes reads the record mnt: DEVICEID, FILESYSTEM and NAME of each volume on a local disk (Win32_Volume,
// DriveType 3) with tabs between. A volume without a drive letter or a folder is not mounted: its name is its id.
func parseVolumes(d *document) Fact[[]Mount] {
	if !d.wants("mounts") {
		return Unknown[[]Mount](WhyNotCollected)
	}
	if why := d.why("mnt"); why != "" {
		return Unknown[[]Mount](why)
	}
	locked, why := bitLocker(d), d.why("blk")
	out := []Mount{}
	for line := range lines(d.text("mnt")) {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[0] == "" || f[2] == "" {
			return Unknown[[]Mount](WhyParse)
		}
		if f[2] == f[0] {
			continue
		}
		m := Mount{Target: clean(f[2]), FSType: clean(strings.ToLower(f[1])), Source: clean(f[0]), Options: []string{}}
		m.Encrypted, m.Crypt = volumeEncryption(locked, f[0], why)
		out = append(out, m)
	}
	if len(out) > MaxMounts {
		return Unknown[[]Mount](WhyTooMany)
	}
	slices.SortStableFunc(out, func(a, b Mount) int { return strings.Compare(a.Target, b.Target) })
	return Known(out)
}

// volumeState is what BitLocker says of a volume, in the numbers of Win32_EncryptableVolume.
type volumeState struct{ conversion, protection string }

func bitLocker(d *document) map[string]volumeState {
	out := map[string]volumeState{}
	for line := range lines(d.text("blk")) {
		if f := strings.Split(line, "\t"); len(f) == 4 {
			out[f[0]] = volumeState{f[1], f[2]}
		}
	}
	return out
}

// volumeEncryption says whether BitLocker encrypts the volume and protects its key. A volume that is wholly
// encrypted while protection is off has its key beside it in the clear. Where BitLocker is not installed
// nothing is encrypted by it; what the cloud encrypts below the disk cannot be seen from here.
func volumeEncryption(of map[string]volumeState, device, why string) (Fact[bool], Fact[string]) {
	no := func(reason string) (Fact[bool], Fact[string]) { return Known(false), Unknown[string](reason) }
	unknown := func(reason string) (Fact[bool], Fact[string]) {
		return Unknown[bool](reason), Unknown[string](reason)
	}
	v, there := of[device]
	switch {
	case why == WhyAbsent:
		return no("not_encrypted")
	case why != "":
		return unknown(why)
	case !there:
		return unknown("no_device")
	case v.conversion == "1" && v.protection == "1":
		return Known(true), Known("BitLocker")
	case v.conversion == "1" && v.protection == "0":
		return no("suspended")
	case v.conversion == "0":
		return no("not_encrypted")
	case v.conversion == "2", v.conversion == "3", v.conversion == "4", v.conversion == "5":
		return no("in_progress")
	}
	return unknown(WhyParse)
}
