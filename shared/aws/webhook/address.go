package webhook

import "net/netip"

// notPublic is the error of an address that is not talked to.
type notPublic struct{ address string }

func (e *notPublic) Error() string { return "dialling " + e.address + ": it is not public" }

// reserved are the ranges that are unicast and not for everybody, beside those that netip knows: IANA's registries of
// special-purpose addresses, and those that carry an IPv4 address inside, which could be any.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// public refuses an address, with its port, that is not one of the public Internet: loopback, private, link-local with the
// metadata service, unique local, multicast, reserved, and IPv4 written as IPv6.
func public(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &notPublic{address}
	}
	ip := at.Addr()
	if ip.Is4In6() || ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return &notPublic{address}
	}
	for _, r := range reserved {
		if r.Contains(ip) {
			return &notPublic{address}
		}
	}
	return nil
}
