package mesh

import (
	"net/url"
	"strings"
)

// joinControlAddresses tells where a ztunnel was given the name of a Service that does not exist.
func joinControlAddresses(m *Mesh) {
	if len(m.Gaps(InputServices)) > 0 {
		return
	}
	there := map[string]bool{}
	for _, s := range m.Services {
		if s.InKubernetes {
			there[s.Namespace+"/"+s.Name] = true
		}
	}
	for _, z := range m.Ztunnels {
		if s := serviceIn(z.XDSAddress); s != "" && !there[s] {
			z.XDSServiceMissing = s
		}
		if s := serviceIn(z.CAAddress); s != "" && !there[s] {
			z.CAServiceMissing = s
		}
	}
}

// serviceIn is the "<ns>/<name>" of the Service that an address such as
// "https://istiod.istio-system.svc:15012" names, "" for one that names none.
func serviceIn(address string) string {
	host := address
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		host = u.Hostname()
	} else if at := strings.LastIndexByte(address, ':'); at >= 0 {
		host = address[:at]
	}
	parts := strings.SplitN(host, ".", 4)
	if len(parts) < 3 || parts[2] != "svc" {
		return ""
	}
	return parts[1] + "/" + parts[0]
}
