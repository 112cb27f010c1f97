package wire

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Guard closes next to everything but programs on this host: the client's address must be loopback,
// the Host header must name loopback (a page that rebinds its name to 127.0.0.1 cannot), and a request
// that a browser makes for another page is refused. All paths of keyward local stand behind it.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !fromLoopback(r.RemoteAddr):
			http.Error(w, "keyward local answers 127.0.0.1 only", http.StatusForbidden)
		case !loopbackName(r.Host):
			http.Error(w, "keyward local answers only where Host is 127.0.0.1, localhost or [::1]", http.StatusForbidden)
		case fromPage(r.Header):
			http.Error(w, "keyward local does not answer web pages", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func fromLoopback(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	ip := a.Addr().Unmap()
	return ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback()
}

func loopbackName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	switch strings.Trim(name, "[]") {
	case "127.0.0.1", "::1":
		return true
	}
	return strings.EqualFold(name, "localhost")
}

// fromPage sees the headers that only a browser sends: Origin with every script's and form's request,
// Sec-Fetch-Site with the others. A form of a page that came from here, such as a link of a mail leads to,
// is no other page's: browsers say so, and scripts cannot.
func fromPage(h http.Header) bool {
	if _, ok := h["Origin"]; ok {
		return h.Get("Sec-Fetch-Site") != "same-origin"
	}
	switch h.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	}
	return false
}
