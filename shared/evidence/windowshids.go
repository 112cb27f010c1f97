package evidence

import (
	"slices"
	"strings"
	"time"
)

// parseWindowsHIDS gives OSSEC and Wazuh on Windows, where both are agents of one service in one folder. What
// their files say is read as on Linux. Names of services and files: src/win32 of the two projects.
func parseWindowsHIDS(d *document, s services, local *time.Location) (ossec, wazuh Product) {
	ossec, wazuh = notInstalled(OSSEC), notInstalled(Wazuh)
	h := hids{
		d: d, local: local, facts: words(d.text("hids")),
		conf: parseHIDSConf(d.text("hids.conf")), log: parseHIDSLog(d.text("hids.log"), local),
	}
	h.bins = strings.Fields(h.facts["bin"])
	h.wazuh = s.has("WazuhSvc") || slices.Contains(h.bins, "wazuh-agent.exe") || h.facts["wazuh"] == "yes"
	this, id := &ossec, OSSEC
	if h.wazuh {
		this, id = &wazuh, Wazuh
	}
	switch present, why := h.presentOnWindows(s); {
	case !present.Known:
		ossec, wazuh = unknownProduct(OSSEC, why), unknownProduct(Wazuh, why)
	case present.Value:
		*this = h.windowsProduct(id, s)
	case why != WhyNotInstalled:
		this.Why = append(this.Why, why)
	}
	if !d.wants("ossec") {
		ossec = unknownProduct(OSSEC, WhyNotCollected)
	}
	if !d.wants("wazuh") {
		wazuh = unknownProduct(Wazuh, WhyNotCollected)
	}
	return ossec, wazuh
}

func (h *hids) service(s services) string {
	if s.has("WazuhSvc") {
		return "WazuhSvc"
	}
	return "OssecSvc"
}

// presentOnWindows asks for the program and the service: one without the other is what an uninstall left.
func (h *hids) presentOnWindows(s services) (Fact[bool], string) {
	for _, why := range []string{h.d.why("hids"), s.why} {
		if why != "" {
			return Unknown[bool](why), why
		}
	}
	state, _ := h.d.winDir(h.facts)
	service := s.has(h.service(s))
	switch {
	case state == WhyAbsent && !service:
		return Known(false), WhyNotInstalled
	case state == WhyAbsent:
		return Known(false), "residue"
	case state != "ok":
		return Unknown[bool](code(state)), code(state)
	case len(h.bins) == 0 || !service:
		return Known(false), "residue"
	}
	return Known(true), ""
}

func (h *hids) windowsProduct(id ProductID, s services) Product {
	p := unknownProduct(id, WhyNoSource)
	_, dir := h.d.winDir(h.facts)
	p.Present, p.Kind, p.Dir, p.Sources = Known(true), Known("agent"), known(dir, WhyParse), []string{"svc", "hids", "exe"}
	p.Confidence = ConfidenceB
	p.Version = windowsVersion(h.d.text("hids.version"))
	p.Running, p.Why = s.running(h.d, []string{h.service(s)})
	p.Definition = Definition{Version: Unknown[string]("no_feed"), Date: Unknown[time.Time]("no_feed")}
	p.LastScan, p.CheckedIn = h.lastScan(), h.checkedIn("agent")
	p.Protection = h.protection(p)
	if why := h.d.why("hids.conf"); why != "" && p.Protection.State.Known && p.Protection.State.Value == "protecting" {
		p.Protection.State, p.Protection.Reason = Unknown[string](why), why
	}
	for _, name := range []string{"hids.version", "hids.conf", "hids.state", "hids.log"} {
		if h.d.index[name] != nil {
			p.Sources = append(p.Sources, name)
		}
	}
	return p
}

// windowsVersion reads, the best first, `"version": "4.14.7"` of VERSION.json, a bare v3.7.0 of the older VERSION
// and VERSION.txt, and "file 4.7.2.0", the version that the program carries.
func windowsVersion(text string) Fact[string] {
	bare, file := "", ""
	for line := range lines(text) {
		if v, is := strings.CutPrefix(line, "file "); is && file == "" && !strings.HasPrefix(v, "0.0.") {
			file = v
		} else if v, is := strings.CutPrefix(line, "v"); is && bare == "" {
			bare = v
		}
	}
	for _, v := range []string{jsonPiece(text, "version"), bare, file} {
		if v = strings.TrimPrefix(v, "v"); v != "" {
			return known(v, WhyParse)
		}
	}
	return Unknown[string](WhyNoSource)
}
