package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
)

// newest is the newest look of a machine within the period that found something; ok is false when there is none.
func (b builder) newest(id string, found func(Look) bool) (newest Look, ok bool) {
	for _, l := range b.data.Looks[id] {
		if b.period.has(l.Sent) && found(l) {
			newest, ok = l, true
		}
	}
	return newest, ok
}

func mostFirst[V any](of map[string]V) []string {
	keys := slices.Sorted(maps.Keys(of))
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(weight(of[b]), weight(of[a])) })
	return keys
}

func weight(v any) int {
	switch v := v.(type) {
	case int:
		return v
	case []string:
		return len(v)
	}
	return 0
}

func (b builder) instances() Section {
	t := Table{
		Name:    "Instances",
		Columns: []string{"machine", "name", "owner", "zone", "policy", "standing at the end", "standing now", "since", "key", "mode", "last inspected", "enrolled", "by"},
		Empty:   "No machine is enrolled.",
	}
	now := map[string]int{}
	for _, m := range b.data.Machines {
		if !m.EnrolledAt.Before(b.period.To) && !b.enrolled(m).Before(b.period.To) {
			continue
		}
		end := b.atEnd(m)
		key := string(m.State.Key)
		if m.State.Key == integrity.KeyUntouched {
			key = "Untouched"
		}
		now[standing(m.State.Standing)]++
		t.Rows = append(t.Rows, row(b.machine(m.ID), m.Owner, m.Zone, m.Policy, end, standing(m.State.Standing), At(m.State.Since), key, string(m.Key.Mode),
			At(m.State.LastEvidence), At(b.enrolled(m)), m.EnrolledBy))
	}
	s := Section{
		Title: "Instances", Tables: []Table{t}, Figures: []Figure{{"machines", Count(len(t.Rows))}},
		About: "The machines that were enrolled by the end of the period, as they are at the time of the report; their standing at the end is from the ledger.",
	}
	for _, word := range []string{"Good", "Bad", "Unknown"} {
		s.Figures = append(s.Figures, Figure{word + " now", Count(now[word])})
	}
	return s
}

func (b builder) images() Section {
	t := Table{Name: "Images", Columns: []string{"image", "system", "machines", "Good", "Bad", "Unknown", "which"}, Empty: "No machine was inspected in this period."}
	type image struct{ id, system string }
	machines := map[image][]string{}
	counts := map[image]map[string]int{}
	unknown := 0
	for _, m := range b.seen {
		l, ok := b.newest(m.ID, func(l Look) bool { return l.Image.Known })
		if !ok {
			if l, ok = b.newest(m.ID, func(Look) bool { return true }); !ok {
				l.Image = evidence.Unknown[string]("not inspected in this period")
			}
		}
		if !l.Image.Known {
			unknown++
		}
		k := image{l.Image.String(), l.System.String()}
		machines[k] = append(machines[k], m.ID)
		if counts[k] == nil {
			counts[k] = map[string]int{}
		}
		counts[k][b.atEnd(m)]++
	}
	keys := slices.SortedFunc(maps.Keys(machines), func(x, y image) int {
		return cmp.Or(cmp.Compare(len(machines[y]), len(machines[x])), cmp.Compare(x.id, y.id), cmp.Compare(x.system, y.system))
	})
	for _, k := range keys {
		t.Rows = append(t.Rows, row(k.id, k.system, Count(len(machines[k])), Count(counts[k]["Good"]), Count(counts[k]["Bad"]), Count(counts[k]["Unknown"]), some(machines[k])))
	}
	return Section{
		Title: "Images", Tables: []Table{t}, Figures: []Figure{{"images", Count(len(keys))}, {"machines whose image is not known", Count(unknown)}},
		About: "What the machines were started from, as AWS said at the newest inspection that asked, and the system that the machine itself names; with their standing at the end.",
		Notes: []string{"AWS is asked for the image when a rule of the policy looks at the instance. Machines outside EC2 have none."},
	}
}

// some are the first of many names.
func some(ids []string) string {
	const most = 20
	text := ""
	for i, id := range ids {
		if i == most {
			return text + " and " + count(len(ids)-most, "more machine")
		}
		if i > 0 {
			text += ", "
		}
		text += id
	}
	return text
}

func (b builder) devices() Section {
	volumes := Table{Name: "Volumes, says AWS", Columns: []string{"machine", "name", "volume", "device", "encrypted", "key", "seen"}, Empty: "AWS was not asked for volumes in this period."}
	mounts := Table{Name: "File systems, says the machine", Columns: []string{"machine", "name", "mounted at", "type", "source", "encrypted", "how", "seen"}, Empty: "No machine named its file systems in this period."}
	unknown := Table{Name: "Machines of which neither is known", Columns: []string{"machine", "name", "why"}, Empty: "None."}
	states := map[string]int{}
	for _, m := range b.seen {
		v, byAWS := b.newest(m.ID, func(l Look) bool { return l.Volumes.Known })
		for _, d := range v.Volumes.Value {
			states["volumes, "+yes(d.Encrypted)]++
			volumes.Rows = append(volumes.Rows, row(b.machine(m.ID), d.ID, d.Device, yes(d.Encrypted), d.Key, At(v.Sent)))
		}
		g, byGuest := b.newest(m.ID, func(l Look) bool { return l.Mounts.Known })
		for _, d := range g.Mounts.Value {
			word := d.Encrypted.String()
			if d.Encrypted.Known {
				word = yes(d.Encrypted.Value)
			}
			mounts.Rows = append(mounts.Rows, row(b.machine(m.ID), d.Target, d.FSType, d.Source, word, d.Crypt.Or(""), At(g.Sent)))
		}
		if !byAWS && !byGuest {
			why := "not inspected in this period"
			if l, ok := b.newest(m.ID, func(Look) bool { return true }); ok {
				why = "volumes: " + l.Volumes.String() + "; file systems: " + l.Mounts.String()
			}
			unknown.Rows = append(unknown.Rows, row(b.machine(m.ID), why))
		}
	}
	return Section{
		Title: "Devices", Tables: []Table{volumes, mounts, unknown},
		About: "Volumes and file systems at the newest inspection of the period that showed them, and whether they are encrypted. What a machine says of itself, it may say wrongly.",
		Notes: []string{"AWS is asked for volumes when a rule of the policy looks at them. EBS encryption and encryption on the machine are two things: each column says which."},
		Figures: []Figure{
			{"volumes encrypted by EBS", Count(states["volumes, encrypted"])}, {"volumes not encrypted by EBS", Count(states["volumes, not encrypted"])},
			{"file systems", Count(len(mounts.Rows))}, {"machines of which neither is known", Count(len(unknown.Rows))},
		},
	}
}

func yes(encrypted bool) string {
	if encrypted {
		return "encrypted"
	}
	return "not encrypted"
}

// running are the times in which a machine was surely running: from a start until the last inspection that saw this
// start. The looks are oldest first.
func running(looks []Look) []stretch {
	var all []stretch
	starts := map[string]int{}
	for _, l := range looks {
		if l.BootID == "" || l.Boot.After(l.Sent) {
			continue
		}
		i, ok := starts[l.BootID]
		if !ok {
			i, all = len(all), append(all, stretch{from: l.Boot, to: l.Sent})
			starts[l.BootID] = i
		}
		all[i].to = l.Sent
		if l.Boot.After(all[i].from) {
			all[i].from = l.Boot // the later of what it said: never more than was surely
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return a.from.Compare(b.from) })
	for i := 1; i < len(all); i++ { // what a guest's clock made overlap counts once
		if all[i].from.Before(all[i-1].to) {
			all[i].from = all[i-1].to
		}
		if all[i].to.Before(all[i].from) {
			all[i].to = all[i].from
		}
	}
	return all
}

func (b builder) computeTime() Section {
	t := Table{
		Name: "Compute time by machine", Columns: []string{"machine", "name", "policy", "surely running", "not known", "enrolled in the period", "starts seen", "seen stopped", "last seen running"},
		Empty: "No machine was enrolled.",
	}
	var sure, rest, whole time.Duration
	for _, m := range b.seen {
		from, to := b.enrolled(m), b.period.To
		if from.Before(b.period.From) {
			from = b.period.From
		}
		if gone := m.State.GoneAt; !gone.IsZero() && gone.Before(to) {
			to = gone
		}
		known := to.Sub(from)
		if known <= 0 {
			continue
		}
		own, starts := time.Duration(0), 0
		var last time.Time
		for _, x := range running(b.data.Looks[m.ID]) {
			own += Period{From: from, To: to}.clip(x.from, x.to)
			if b.period.has(x.from) {
				starts++
			}
			if x.to.After(last) {
				last = x.to
			}
		}
		stopped := 0
		for _, l := range b.data.Looks[m.ID] {
			if l.Presence == integrity.Stopped && b.period.has(l.Sent) {
				stopped++
			}
		}
		sure, rest, whole = sure+own, rest+known-own, whole+known
		t.Rows = append(t.Rows, row(b.machine(m.ID), m.Policy, Took(own), Took(known-own), Took(known), Count(starts), Count(stopped), At(last)))
	}
	s := Section{
		Title: "Instance compute time", Tables: []Table{t},
		About: "How long machines were surely running: from a start until the last inspection that saw the same start.",
		Notes: []string{
			"Not known before a machine was enrolled, and not counted.",
			"Not known after the last inspection of a start, until the machine stopped or started anew: that time is in \"not known\", whether it was running or not. AWS Cost and Usage Reports have what was billed.",
			"When a machine started, the machine itself says.",
		},
		Figures: []Figure{
			{"surely running", Took(sure)}, {"not known", Took(rest)}, {"enrolled", Took(whole)}, {"share that is known", Share(float64(sure), float64(whole))},
		},
	}
	if n := len(t.Rows); n > 0 && n <= 40 {
		c := Chart{Title: "Hours surely running, by machine", Unit: "hours", Series: []Series{{"surely running", TonePlain, nil}, {"not known", ToneUnknown, nil}}}
		for _, r := range t.Rows {
			c.Labels = append(c.Labels, cmp.Or(r[1].text, r[0].text))
			c.Series[0].Values = append(c.Series[0].Values, r[3].took.Hours())
			c.Series[1].Values = append(c.Series[1].Values, r[4].took.Hours())
		}
		s.Charts = []Chart{c}
	}
	return s
}
