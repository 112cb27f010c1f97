package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

var (
	placePattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d(-[a-z]+-\d)?[a-z]?$`) // us-east-1, us-east-1a, us-west-2-lax-1a
	imagePattern = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
	typePattern  = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+$`)
	keyPattern   = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,64}$`)
	// What an instance is started with: as it was first, none, or what has one of these digests.
	userDataPattern = regexp.MustCompile(`^(unchanged|none|[0-9a-f]{64})$`)

	rolePattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:instance-profile/[A-Za-z0-9+=,.@_/-]{1,200}$`)
)

// askAWS needs groups of facts of AWS's.
func askAWS(words ...string) Needs { return Needs{AWS: words} }

// ofAWS is the group of facts that AWS gave, or the outcome that it was not asked.
func ofAWS[T any](what string, ev *evidence.Evidence, get func(*evidence.AWS) *T, judge func(*T) outcome) outcome {
	if ev.AWS == nil || get(ev.AWS) == nil {
		return missing(what, evidence.WhyNotCollected)
	}
	return judge(get(ev.AWS))
}

// instance asks for what EC2 says about the instance itself.
func (r *reader) instance(n *node, path string) condition {
	c, before := &facts{need: askAWS(evidence.AWSInstance)}, len(r.errs)
	add := func(words string, judge func(*evidence.Instance) outcome) {
		c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
			return ofAWS("instance", ev, func(a *evidence.AWS) *evidence.Instance { return a.Instance }, judge)
		})
	}
	oneOf := func(what string, pattern *regexp.Regexp, expected string, fact func(*evidence.Instance) evidence.Fact[string]) func(n *node, path string) {
		return func(n *node, path string) {
			want := r.some(n, path, what+"s", 32, func(n *node, path string) string { return r.matching(n, path, pattern, expected) })
			add(what+" "+strings.Join(want, " or "), func(i *evidence.Instance) outcome { return equal(what, fact(i), want) })
		}
	}
	r.object(n, path, []key{
		{"zone", func(n *node, path string) {
			want := r.some(n, path, "zones", 32, func(n *node, path string) string {
				return r.matching(n, path, placePattern, "an Availability Zone such as eu-central-1a, or a Region")
			})
			add("zone "+strings.Join(want, " or "), func(i *evidence.Instance) outcome { return judgeZone(i, want) })
		}},
		{"image", oneOf("image", imagePattern, "the id of an image, ami- and 8 or 17 hex digits", func(i *evidence.Instance) evidence.Fact[string] { return i.Image })},
		{"type", oneOf("type", typePattern, "an instance type such as m7g.large", func(i *evidence.Instance) evidence.Fact[string] { return i.Type })},
		{"profile", oneOf("profile", rolePattern, "the ARN of an instance profile", func(i *evidence.Instance) evidence.Fact[string] { return i.Profile })},
		{"tags", func(n *node, path string) { r.instanceTags(n, path, add) }},
		{"imds", func(n *node, path string) {
			want := r.some(n, path, "modes", 3, func(n *node, path string) string { return r.word(n, path, "required", "optional", "off") })
			add("metadata service "+strings.Join(want, " or "), func(i *evidence.Instance) outcome { return equal("metadata service", i.IMDS, want) })
		}},
		{"hopLimit", func(n *node, path string) {
			l := r.limit(n, path)
			add("metadata hop limit "+l.String(), func(i *evidence.Instance) outcome { return counted("metadata hop limit", i.HopLimit, l) })
		}},
		{"userData", func(n *node, path string) {
			c.need = c.need.With(askAWS(evidence.AWSUserData))
			want := r.some(n, path, "digests", 16, func(n *node, path string) string {
				return r.matching(n, path, userDataPattern, "unchanged, none, or the SHA-256 of the user data, 64 hex digits in lower case in quotes")
			})
			c.add("user data "+strings.Join(shortened(want), " or "), func(ev *evidence.Evidence, _ time.Time) outcome {
				return ofAWS("user data", ev, func(a *evidence.AWS) *evidence.UserData { return a.UserData }, func(u *evidence.UserData) outcome { return judgeUserData(u, want) })
			})
		}},
		{"publicAddress", func(n *node, path string) {
			want := r.word(n, path, "none", "any")
			add(map[string]string{"none": "no public address", "any": "a public address"}[want], func(i *evidence.Instance) outcome { return judgeAddress(i, want == "any") })
		}},
		{"firstSeen", func(n *node, path string) {
			r.since(c, n, path, "first seen", func(i *evidence.Instance) evidence.Fact[time.Time] { return i.FirstSeen })
		}},
		{"launched", func(n *node, path string) {
			r.since(c, n, path, "launched", func(i *evidence.Instance) evidence.Fact[time.Time] { return i.Launched })
		}},
	})
	return r.asked(n, path, c, before, "zone", "image", "type", "profile", "tags", "imds", "hopLimit", "userData", "publicAddress", "firstSeen", "launched")
}

func judgeUserData(u *evidence.UserData, want []string) outcome {
	return check("user data", u.SHA256, func(is string) outcome {
		words := "user data " + strings.Join(shortened([]string{is}), "")
		if slices.Contains(want, is) {
			return passed(words)
		}
		if !slices.Contains(want, "unchanged") {
			return failed(words, "", "user data "+is)
		}
		return check("user data at first", u.First, func(first string) outcome {
			if is == first {
				return passed(words + ", as at first")
			}
			return failed(words+", at first "+strings.Join(shortened([]string{first}), ""), "", "user data "+is)
		})
	})
}

// judgeZone passes for one of the zones, or for any zone of one of the Regions.
func judgeZone(i *evidence.Instance, want []string) outcome {
	return check("zone", i.Zone, func(zone string) outcome {
		for _, w := range want {
			if zone == w || strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz") == w {
				return passed("zone " + zone)
			}
		}
		return failed("zone "+zone, "", "zone "+zone)
	})
}

func (r *reader) instanceTags(n *node, path string, add func(string, func(*evidence.Instance) outcome)) {
	if n.kind != mapping || len(n.pairs) == 0 || len(n.pairs) > 50 {
		r.got(n, path, "a mapping of 1 to 50 tags and values")
		return
	}
	want := map[string]string{}
	for _, p := range n.pairs {
		if _, twice := want[p.key.text]; twice {
			r.fail(p.key, path+"."+p.key.text, "stands twice")
		}
		want[p.key.text] = r.line(p.value, path+"."+p.key.text, 256)
	}
	var words []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		words = append(words, k+"="+want[k])
	}
	add("tags "+strings.Join(words, ", "), func(i *evidence.Instance) outcome {
		return check("tags", i.Tags, func(all []evidence.Tag) outcome {
			have := map[string]string{}
			for _, t := range all {
				have[t.Key] = t.Value
			}
			var bad []string
			for _, k := range slices.Sorted(maps.Keys(want)) {
				switch v, is := have[k]; {
				case !is:
					bad = append(bad, "tag "+k+" missing")
				case v != want[k]:
					bad = append(bad, "tag "+k+"="+v)
				}
			}
			if len(bad) == 0 {
				return passed("tags as asked")
			}
			return failed(few(bad), bad[0], bad...)
		})
	})
}

// since compares an age by AWS's clock with a limit.
func (r *reader) since(c *facts, n *node, path, what string, fact func(*evidence.Instance) evidence.Fact[time.Time]) {
	l := r.age(n, path)
	if l == nil {
		return
	}
	c.add(what+" "+l.String()+" ago", func(ev *evidence.Evidence, now time.Time) outcome {
		return ofAWS("instance", ev, func(a *evidence.AWS) *evidence.Instance { return a.Instance }, func(i *evidence.Instance) outcome {
			return check(what, fact(i), func(at time.Time) outcome {
				return l.judgeAge(what, max(now.Sub(at), 0), what+" "+at.UTC().Format(time.RFC3339))
			})
		})
	})
}

func judgeAddress(i *evidence.Instance, wanted bool) outcome {
	return check("public address", i.PublicAddress, func(s string) outcome {
		switch has := s != ""; {
		case has == wanted && has:
			return passed("public address " + s)
		case has == wanted:
			return passed("no public address")
		case has:
			return failed("public address "+s, s, "public address")
		default:
			return failed("no public address", "", "no public address")
		}
	})
}

// volumes asks how EBS encrypts the volumes of the instance.
func (r *reader) volumes(n *node, path string) condition {
	c, before := &facts{need: askAWS(evidence.AWSVolumes)}, len(r.errs)
	add := func(words, want string, good func(evidence.AttachedVolume) bool, bad func(evidence.AttachedVolume) string) {
		c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
			if ev.AWS == nil {
				return missing("volumes", evidence.WhyNotCollected)
			}
			return check("volumes", ev.AWS.Volumes, func(all []evidence.AttachedVolume) outcome {
				var found []string
				for _, v := range all {
					if !good(v) {
						found = append(found, bad(v))
					}
				}
				switch {
				case len(all) == 0:
					return missing("volumes", "nothing_found")
				case len(found) == 0:
					return passed(want)
				default:
					return failed(few(found), found[0], found...)
				}
			})
		})
	}
	r.object(n, path, []key{
		{"encrypted", func(n *node, path string) {
			want := r.flag(n, path)
			words := map[bool]string{true: "encrypted", false: "not encrypted"}
			add("every volume "+words[want]+" by EBS", "volumes "+words[want], func(v evidence.AttachedVolume) bool { return v.Encrypted == want },
				func(v evidence.AttachedVolume) string { return v.ID + " on " + v.Device + " " + words[!want] })
		}},
		{"keys", func(n *node, path string) {
			keys := r.some(n, path, "keys", 16, func(n *node, path string) string {
				return r.matching(n, path, keyPattern, "the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID")
			})
			add("every volume under "+strings.Join(keys, " or "), "volumes under the key", func(v evidence.AttachedVolume) bool { return slices.Contains(keys, v.Key) },
				func(v evidence.AttachedVolume) string {
					if v.Key == "" {
						return v.ID + " on " + v.Device + " under no key"
					}
					return v.ID + " on " + v.Device + " under " + v.Key
				})
		}},
	})
	return r.asked(n, path, c, before, "encrypted", "keys")
}

// agent asks for SSM's agent.
func (r *reader) agent(n *node, path string) condition {
	c, before := &facts{need: askAWS(evidence.AWSAgent)}, len(r.errs)
	get := func(a *evidence.AWS) *evidence.Agent { return a.Agent }
	r.object(n, path, []key{
		{"version", func(n *node, path string) {
			if v := r.constraint(n, path); v != nil {
				c.add("SSM agent version "+v.text, func(ev *evidence.Evidence, _ time.Time) outcome {
					return ofAWS("SSM agent", ev, get, func(a *evidence.Agent) outcome { return judgeVersion("version", "SSM agent", a.Version, *v) })
				})
			}
		}},
		{"ping", func(n *node, path string) {
			l := r.age(n, path)
			if l == nil {
				return
			}
			c.add("SSM agent's last ping "+l.String()+" ago", func(ev *evidence.Evidence, now time.Time) outcome {
				return ofAWS("SSM agent", ev, get, func(a *evidence.Agent) outcome {
					return check("last ping", a.Last, func(at time.Time) outcome {
						return l.judgeAge("last ping", max(now.Sub(at), 0), "last ping "+at.UTC().Format(time.RFC3339))
					})
				})
			})
		}},
	})
	return r.asked(n, path, c, before, "version", "ping")
}
