package ec2

import (
	"cmp"
	"slices"
)

// The XML of security groups: SecurityGroup and IpPermission in the API reference.

type groupXML struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type networkXML struct {
	CIDR string `xml:"cidrIp"`
}

type network6XML struct {
	CIDR string `xml:"cidrIpv6"`
}

type listXML struct {
	ID string `xml:"prefixListId"`
}

type pairXML struct {
	Owner string `xml:"userId"`
	ID    string `xml:"groupId"`
}

type permissionXML struct {
	Protocol string        `xml:"ipProtocol"`
	From     *int32        `xml:"fromPort"` // not there for all protocols
	To       *int32        `xml:"toPort"`
	Groups   []pairXML     `xml:"groups>item"`
	IPv4     []networkXML  `xml:"ipRanges>item"`
	IPv6     []network6XML `xml:"ipv6Ranges>item"`
	Lists    []listXML     `xml:"prefixListIds>item"`
}

type securityGroupXML struct {
	Owner       string          `xml:"ownerId"`
	ID          string          `xml:"groupId"`
	Name        string          `xml:"groupName"`
	Description string          `xml:"groupDescription"`
	Permissions []permissionXML `xml:"ipPermissions>item"`
}

// groups are all security groups of the inventory, each once, by id.
func (e *EC2) groups() []Group {
	var all []Group
	for _, m := range e.sorted() {
		all = append(all, m.Groups...)
	}
	slices.SortStableFunc(all, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(all, func(a, b Group) bool { return a.ID == b.ID })
}

func (g Group) value(name string) ([]string, bool) {
	switch name {
	case "group-id":
		return []string{g.ID}, true
	case "group-name":
		return []string{g.Name}, true
	}
	return nil, false
}

func (e *EC2) describeSecurityGroups(in struct {
	paging
	GroupId []string
}) (any, error) {
	all := e.groups()
	for _, id := range in.GroupId {
		if !slices.ContainsFunc(all, func(g Group) bool { return g.ID == id }) {
			return nil, parameter("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
	}
	var picked []Group
	for _, g := range all {
		ok, err := passes(in.Filter, nil, g.value)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.GroupId) == 0 || slices.Contains(in.GroupId, g.ID)) {
			picked = append(picked, g)
		}
	}
	picked, next, err := page(in.paging, len(in.GroupId) > 0, 5, picked, func(g Group) string { return g.ID })
	if err != nil {
		return nil, err
	}
	var out struct {
		Groups    []securityGroupXML `xml:"securityGroupInfo>item"`
		NextToken string             `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, g := range picked {
		out.Groups = append(out.Groups, g.xml(e.config.Account))
	}
	return out, nil
}

func (g Group) xml(owner string) securityGroupXML {
	x := securityGroupXML{Owner: owner, ID: g.ID, Name: cmp.Or(g.Name, g.ID), Description: cmp.Or(g.Name, g.ID)}
	for _, r := range g.Inbound {
		p := permissionXML{Protocol: r.Protocol}
		if r.Protocol != "-1" {
			p.From, p.To = &r.From, &r.To
		}
		for _, n := range r.IPv4 {
			p.IPv4 = append(p.IPv4, networkXML{n})
		}
		for _, n := range r.IPv6 {
			p.IPv6 = append(p.IPv6, network6XML{n})
		}
		for _, id := range r.Groups {
			p.Groups = append(p.Groups, pairXML{owner, id})
		}
		for _, id := range r.Lists {
			p.Lists = append(p.Lists, listXML{id})
		}
		x.Permissions = append(x.Permissions, p)
	}
	return x
}
