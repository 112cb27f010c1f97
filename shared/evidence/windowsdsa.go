package evidence

import "strings"

// parseWindowsDeepSecurity is Deep Security's agent on Windows. dsa_query answers as on Linux; the processes are
// services, and the anti-malware module is one of its own, Amsp.
func parseWindowsDeepSecurity(d *document, s services) Product {
	if !d.wants("deepsecurity") {
		return unknownProduct(DeepSecurity, WhyNotCollected)
	}
	for _, why := range []string{d.why("dsa"), s.why} {
		if why != "" {
			return unknownProduct(DeepSecurity, why)
		}
	}
	a := newDSA(d)
	state, dir := d.winDir(a.facts)
	a.dir = dir
	service, program := s.has("ds_agent"), a.facts["bin"] == "ds_agent.exe"
	switch p := notInstalled(DeepSecurity); {
	case state == WhyAbsent && dir == "" && !service:
		return p
	case state == WhyAbsent, state == "ok" && !(service && program):
		p.Why = append(p.Why, "residue")
		return p
	case state != "ok":
		return unknownProduct(DeepSecurity, code(state))
	}
	p := unknownProduct(DeepSecurity, WhyNoSource)
	p.Present, p.Kind, p.Dir, p.Sources = Known(true), Known("agent"), known(a.dir, WhyParse), []string{"dsa", "svc", "exe"}
	p.Confidence = ConfidenceC
	expected := []string{"ds_agent"}
	if a.parts["AM.mode"] == "on" {
		expected = append(expected, "Amsp")
	}
	p.Running, p.Why = s.running(d, expected)
	a.answered(&p)
	if file := a.facts["file"]; !p.Version.Known && file != "" && !strings.HasPrefix(file, "0.0.") {
		p.Version = known(file, WhyParse)
	}
	return p
}
