package evidence

import (
	"slices"
	"strings"
	"time"
)

// hids is an installation of OSSEC or of its fork Wazuh, which share folder and names. Formats: the
// two projects' own sources; what was measured on real installs wins.
type hids struct {
	d     *document
	local *time.Location
	facts map[string]string // of the record hids
	init  map[string]string // /etc/ossec-init.conf
	conf  hidsConf
	push  hidsConf // what the manager pushed, which wins where it applies
	log   map[string]logLine
	bins  []string
	ds    daemons
	wazuh bool
}

// parseHIDS gives OSSEC and Wazuh: at most one of them is installed.
func parseHIDS(d *document, local *time.Location) (ossec, wazuh Product) {
	ossec, wazuh = notInstalled(OSSEC), notInstalled(Wazuh)
	h := hids{
		d: d, local: local, facts: words(d.text("hids")), init: assignments(d.text("hids.init")),
		conf: parseHIDSConf(d.text("hids.conf")), push: parseHIDSConf(d.text("hids.shared")), log: parseHIDSLog(d.text("hids.log"), local),
	}
	h.bins = strings.Fields(h.facts["bin"])
	h.wazuh = strings.EqualFold(h.init["NAME"], "Wazuh") ||
		slices.ContainsFunc(h.bins, func(s string) bool { return strings.HasPrefix(s, "wazuh-") })
	present, why := h.present()
	this, id := &ossec, OSSEC
	if h.wazuh {
		this, id = &wazuh, Wazuh
	}
	switch {
	case why == WhyNotInstalled:
	case !present.Known:
		// Which of the two it is cannot be told either.
		ossec, wazuh = unknownProduct(OSSEC, why), unknownProduct(Wazuh, why)
	case !present.Value:
		this.Why = append(this.Why, why)
	default:
		*this = h.product(id)
	}
	if !d.wants("ossec") {
		ossec = unknownProduct(OSSEC, WhyNotCollected)
	}
	if !d.wants("wazuh") {
		wazuh = unknownProduct(Wazuh, WhyNotCollected)
	}
	return ossec, wazuh
}

// present is whether a program is there and one more thing that belongs to an installation. The
// second value is a reason: not_installed, residue, or why it is not known.
func (h *hids) present() (Fact[bool], string) {
	if why := h.d.why("hids"); why != "" {
		return Unknown[bool](why), why
	}
	dir, _ := folder(h.facts)
	init := h.facts["init"]
	switch {
	case init == WhyUnsafePath:
		return Unknown[bool](WhyUnsafePath), WhyUnsafePath
	case dir == WhyAbsent && init == WhyAbsent:
		return Known(false), WhyNotInstalled
	case dir == WhyAbsent && init == "ok":
		return Known(false), "residue"
	case dir != "ok":
		// The folder is closed to us, or it is gone but the file that may name another is.
		return Unknown[bool](h.d.hidden()), h.d.hidden()
	case h.facts["bindir"] != "ok" && h.facts["bindir"] != WhyAbsent:
		return Unknown[bool](h.d.hidden()), h.d.hidden()
	}
	program := slices.ContainsFunc(h.bins, func(s string) bool {
		return strings.HasSuffix(s, "-agentd") || strings.HasSuffix(s, "-analysisd")
	})
	more := init == "ok" || h.d.why("hids.conf") == "" ||
		slices.Contains(h.bins, "ossec-control") || slices.Contains(h.bins, "wazuh-control")
	if !program || !more {
		return Known(false), "residue"
	}
	return Known(true), ""
}

func (h *hids) product(id ProductID) Product {
	p := unknownProduct(id, WhyNoSource)
	p.Present, p.Why, p.Sources, p.Confidence = Known(true), nil, []string{"hids", "exe"}, ConfidenceA
	_, dir := folder(h.facts)
	p.Dir = known(dir, WhyParse)
	p.Kind = h.kind()
	p.Version = h.version()
	h.ds = h.processes(dir)
	expected, optional := h.daemons(p.Kind.Value)
	p.Running, p.Why = h.d.running(h.ds, expected, optional, strings.Fields(h.facts["pid"]), h.facts["hidden"])
	if !p.Kind.Known {
		// What should run depends on it.
		p.Running.State = Unknown[string](p.Kind.Why)
	}
	p.Definition = Definition{Version: Unknown[string]("no_feed"), Date: Unknown[time.Time]("no_feed")}
	p.LastScan = h.lastScan()
	p.CheckedIn = h.checkedIn(p.Kind.Value)
	p.Protection = h.protection(p)
	p.Config = h.config(p.Kind.Value)
	for _, name := range []string{"hids.init", "hids.conf", "hids.shared", "hids.log", "hids.state", "hids.version", "hids.control", "hids.scan"} {
		if h.d.index[name] != nil {
			p.Sources = append(p.Sources, name)
		}
	}
	return p
}

func (h *hids) version() Fact[string] {
	for _, v := range []string{
		jsonPiece(h.d.text("hids.version"), "version"),
		assignments(h.d.text("hids.control"))["VERSION"],
		h.init["VERSION"],
	} {
		if v = strings.TrimPrefix(v, "v"); v != "" {
			return known(v, WhyParse)
		}
	}
	return Unknown[string](WhyNoSource)
}

// jsonPiece reads one line `"key": "value"`, as the probe cuts it out of VERSION.json.
func jsonPiece(text, key string) string {
	for line := range lines(text) {
		k, v, ok := strings.Cut(line, ":")
		if ok && unquote(k) == key {
			return unquote(v)
		}
	}
	return ""
}

func (h *hids) lastScan() Fact[time.Time] {
	newest := Unknown[time.Time](WhyNoSource)
	for line := range lines(h.d.text("hids.scan")) {
		if f := strings.Split(line, "!"); len(f) >= 3 {
			newest = later(newest, unixTime(f[1]))
		}
	}
	return later(later(newest, h.log["syscheck"].at), h.log["rootcheck"].at)
}

func later(a, b Fact[time.Time]) Fact[time.Time] {
	if b.Known && (!a.Known || b.Value.After(a.Value)) {
		return b
	}
	return a
}

func (h *hids) checkedIn(kind string) Fact[time.Time] {
	if kind == "server" || kind == "local" {
		return Unknown[time.Time]("not_applicable")
	}
	state := assignments(h.d.text("hids.state"))
	ack, has := state["last_ack"]
	if !has && state["status"] == "connected" {
		ack = state["last_keepalive"] // Wazuh 5 writes no more than this
	}
	if at := localTime(ack, "2006-01-02 15:04:05", h.local); at.Known {
		return at
	}
	return later(later(Unknown[time.Time](WhyNoSource), h.log["connected"].at), h.log["back"].at)
}

// connected is whether an agent says that its manager answers. For OSSEC the last of the log's own
// words counts; that it has no .wait file proves nothing.
func (h *hids) connected() Fact[bool] {
	if state := assignments(h.d.text("hids.state"))["status"]; state != "" {
		if h.staleState() {
			return Unknown[bool]("stale_state")
		}
		return Known(state == "connected")
	}
	if _, waits := h.facts["wait"]; waits {
		return Known(false)
	}
	good := max(h.log["connected"].line, h.log["back"].line)
	bad := max(h.log["lost"].line, h.log["waiting"].line, h.log["nokeys"].line)
	if good == 0 && bad == 0 {
		return Unknown[bool]("connection_unknown")
	}
	return Known(good > bad)
}

// stateLife is how long a Wazuh agent's state file speaks for it. The agent rewrites it every few
// seconds; one that hangs, or was told not to, leaves an old word standing.
const stateLife = 10 * time.Minute

func (h *hids) staleState() bool {
	secs, _, _ := strings.Cut(strings.TrimSpace(h.d.text("hids.time")), " ")
	at := unixTime(secs)
	return at.Known && h.d.End-at.Value.Unix() > int64(stateLife/time.Second)
}
