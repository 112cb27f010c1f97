package world

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
)

// Guest is one machine as it is, whatever anybody knows of it.
type Guest struct {
	ID      string
	Session string
	Zone    string
	Tags    map[string]string

	Power             integrity.Presence // running, stopped, gone
	Offline           bool               // its SSM agent says nothing: commands to it are not even sent
	Mute              bool               // its agent answers pings and never a command
	Garbled           bool               // what it prints is no evidence
	Impaired          bool               // an EC2 status check fails
	Ports             []int              // TCP ports that something listens on
	Kernel            string
	Skew              time.Duration // of its clock
	Unmounted, Closed bool          // its data, and the mapping under it
	Busy              bool          // the mapping cannot be closed
	Stopping          bool          // EC2 was asked to stop it
	Up                time.Time     // when it was started last; zero: it never stood still

	before integrity.Presence
	shown  time.Time
}

// Bear adds a guest. Its Power is shown at once.
func (w *World) Bear(g *Guest) { w.EC2.guests[g.ID] = g }

// Guest is the guest of an id, nil if there never was one.
func (w *World) Guest(id string) *Guest { return w.EC2.guests[id] }

// Turn changes a guest's power, which EC2 may show late.
func (w *World) Turn(g *Guest, to integrity.Presence) {
	g.Stopping = false
	if to == integrity.Running && g.Power != integrity.Running {
		g.Up = w.now
	}
	g.before, g.Power, g.shown = g.Power, to, w.now.Add(w.lag())
}

// EC2 is what EC2 says of the guests.
type EC2 struct {
	w      *World
	guests map[string]*Guest
	disks  map[string][]guard.Disk // by key
	shared map[string]time.Time    // by key: since when it has more than one
}

// Instances is ec2info's.
func (e *EC2) Instances(_ context.Context, machines []string) (found map[string]ec2info.Instance, err error) {
	err = e.w.call("ec2", "DescribeInstances", func() error {
		found = make(map[string]ec2info.Instance, len(machines))
		for _, id := range machines {
			v := ec2info.Instance{ID: id, Presence: integrity.Gone}
			if g := e.guests[id]; g != nil {
				v.Profile = profileOf(g.Session)
				v.Presence, v.Zone, v.Tags = g.Power, g.Zone, g.Tags
				if e.w.now.Before(g.shown) {
					v.Presence = g.before
				}
			}
			found[id] = v
		}
		return nil
	})
	return found, err
}

// Inbound is ec2info's. No policy of the simulation asks for security groups.
func (e *EC2) Inbound(context.Context, []string) (found map[string][]evidence.InboundRule, err error) {
	return found, e.w.call("ec2", "DescribeSecurityGroups", func() error { return nil })
}

// Volumes is ec2info's. No policy of the simulation asks for volumes.
func (e *EC2) Volumes(context.Context, []string) (found map[string][]evidence.AttachedVolume, err error) {
	return found, e.w.call("ec2", "DescribeVolumes", func() error { return nil })
}

// UserData is ec2info's. No policy of the simulation asks for user data.
func (e *EC2) UserData(context.Context, []string) (found map[string]evidence.UserData, err error) {
	return found, e.w.call("ec2", "DescribeInstanceAttribute", func() error { return nil })
}

// Healthy is ec2info's.
func (e *EC2) Healthy(_ context.Context, machine string) (ok bool, err error) {
	err = e.w.call("ec2", "DescribeInstanceStatus", func() error {
		g := e.guests[machine]
		ok = g != nil && g.Power == integrity.Running && !g.Impaired
		return nil
	})
	return ok, err
}

// look is what a guest was like when it answered: the text is made when somebody reads it.
type look struct {
	nonce   string
	at      time.Time // by the guest's clock
	ports   []int
	kernel  string
	garbled bool
}

// line is the wire line that the inspection script prints.
func (l look) line() string {
	if l.garbled {
		return "sh: 1: cannot fork: Resource temporarily unavailable\n"
	}
	var net strings.Builder
	for _, port := range l.ports {
		fmt.Fprintf(&net, "tcp 00000000:%04X 0 1\n", port)
	}
	text, _ := json.Marshal(map[string]any{
		"v": 1, "nonce": l.nonce, "probe": "linux-sh/1.0.0", "want": ",os,listeners,", "at": fmt.Sprintf("%d +0000", l.at.Unix()),
		"uid": 0, "end": l.at.Unix() + 1,
		"r": []map[string]string{{"n": "sys", "t": "uname " + l.kernel + " x86_64"}, {"n": "os", "t": "ID=debian"}, {"n": "net", "t": net.String()}},
	})
	return wire(text)
}

// wire is the line around a document. A writer for each line would cost more than all else.
func wire(text []byte) string {
	var b bytes.Buffer
	packer := packers.Get().(*gzip.Writer)
	packer.Reset(&b)
	packer.Write(text)
	packer.Close()
	packers.Put(packer)
	payload := base64.StdEncoding.EncodeToString(b.Bytes())
	return fmt.Sprintf("KWE1 %d OK %s\n", len(payload), payload)
}
