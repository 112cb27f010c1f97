package evidence

import (
	"slices"
	"strconv"
	"strings"
)

// taints are the letters of the kernel's taint mask, from bit 0. Source: Documentation/admin-guide/
// tainted-kernels.rst.
const taints = "PFSRMBUDAWCIOELKXTNJ"

// parseKernel reads one label a file; see fact_kernel in the script.
func parseKernel(d *document) Kernel {
	labels := words(d.text("kernel"))
	if why := d.why("kernel"); why != "" {
		labels = map[string]string{}
		for _, l := range []string{"tainted", "modules_disabled", "sig_enforce", "lockdown", "secureboot"} {
			labels[l] = "!" + why
		}
	}
	k := Kernel{
		Taint:           as(value(labels, "tainted"), taint),
		ModulesDisabled: as(value(labels, "modules_disabled"), yes), SignedModules: as(value(labels, "sig_enforce"), yes),
		Lockdown: lockdown(value(labels, "lockdown")), SecureBoot: as(value(labels, "secureboot"), secureBoot),
	}
	for label := range labels {
		if name, is := strings.CutPrefix(label, "sysctl."); is && len(k.Settings) < MaxNames {
			k.Settings = append(k.Settings, KernelSetting{clean(name), value(labels, label)})
		}
	}
	slices.SortFunc(k.Settings, func(a, b KernelSetting) int { return strings.Compare(a.Name, b.Name) })
	return k
}

func taint(s string) ([]string, bool) {
	mask, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return nil, false
	}
	letters := []string{}
	for bit := range 64 {
		if mask>>bit&1 == 0 {
			continue
		}
		if bit < len(taints) {
			letters = append(letters, taints[bit:bit+1])
		} else {
			letters = append(letters, "bit"+strconv.Itoa(bit))
		}
	}
	return letters, true
}

// secureBoot reads "bios", or the variable's four bytes of attributes and one of value.
func secureBoot(s string) (string, bool) {
	if s == "bios" {
		return s, true
	}
	f := strings.Fields(s)
	if len(f) != 5 {
		return "", false
	}
	on, ok := yes(f[4])
	if on {
		return "on", ok
	}
	return "off", ok
}

// parseModules reads "m NAME [(FLAGS)]" and "hidden NAME".
func parseModules(d *document) Modules {
	why := d.why("modules")
	if why == WhyAbsent {
		return Modules{Loaded: Known([]string{})} // a kernel without modules has none loaded
	}
	var names []string
	var m Modules
	for _, line := range labelled(d.text("modules"), "m") {
		name, flags, _ := strings.Cut(line, " ")
		names = append(names, name)
		if flags = strings.Trim(flags, "()"); flags != "" {
			m.Flags = append(m.Flags, NamedFlags{name, flags})
		}
	}
	m.Loaded = ifWhole(d, "modules", list(names, MaxFiles))
	m.Hidden = labelled(d.text("modules"), "hidden")
	slices.Sort(m.Hidden)
	m.Hidden = m.Hidden[:min(len(m.Hidden), 32)]
	slices.SortFunc(m.Flags, func(a, b NamedFlags) int { return strings.Compare(a.Name, b.Name) })
	m.Flags = m.Flags[:min(len(m.Flags), MaxNames)]
	return m
}
