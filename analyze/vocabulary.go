package analyze

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// collection is what a rule's `for` names: the elements, and the name that
// one of them has in expressions.
type collection struct {
	variable string
	sample   any // typed nil, for the type checker
	items    func(*mesh.Mesh) []mesh.Item
}

func items[T mesh.Item](of func(*mesh.Mesh) []T) func(*mesh.Mesh) []mesh.Item {
	return func(m *mesh.Mesh) []mesh.Item {
		list := of(m)
		out := make([]mesh.Item, len(list))
		for i, v := range list {
			out[i] = v
		}
		return out
	}
}

// collections of the model by the names that rules use.
func collections() map[string]collection {
	return map[string]collection{
		"mesh":            {"mesh", (*mesh.Mesh)(nil), func(m *mesh.Mesh) []mesh.Item { return []mesh.Item{m} }},
		"namespaces":      {"namespace", (*mesh.Namespace)(nil), items(func(m *mesh.Mesh) []*mesh.Namespace { return m.Namespaces })},
		"nodes":           {"node", (*mesh.Node)(nil), items(func(m *mesh.Mesh) []*mesh.Node { return m.Nodes })},
		"pods":            {"pod", (*mesh.Pod)(nil), items(func(m *mesh.Mesh) []*mesh.Pod { return m.Pods })},
		"daemonSets":      {"daemonSet", (*mesh.DaemonSet)(nil), items(func(m *mesh.Mesh) []*mesh.DaemonSet { return m.DaemonSets })},
		"services":        {"service", (*mesh.Service)(nil), items(func(m *mesh.Mesh) []*mesh.Service { return m.Services })},
		"workloads":       {"workload", (*mesh.Workload)(nil), items(func(m *mesh.Mesh) []*mesh.Workload { return m.Workloads })},
		"policies":        {"policy", (*mesh.Policy)(nil), items(func(m *mesh.Mesh) []*mesh.Policy { return m.Policies })},
		"ztunnels":        {"ztunnel", (*mesh.Ztunnel)(nil), items(func(m *mesh.Mesh) []*mesh.Ztunnel { return m.Ztunnels })},
		"istiods":         {"istiod", (*mesh.Istiod)(nil), items(func(m *mesh.Mesh) []*mesh.Istiod { return m.Istiods })},
		"cnis":            {"cni", (*mesh.CNI)(nil), items(func(m *mesh.Mesh) []*mesh.CNI { return m.CNIs })},
		"waypoints":       {"waypoint", (*mesh.Waypoint)(nil), items(func(m *mesh.Mesh) []*mesh.Waypoint { return m.Waypoints })},
		"certificates":    {"certificate", (*mesh.Certificate)(nil), items(func(m *mesh.Mesh) []*mesh.Certificate { return m.Certificates })},
		"localIdentities": {"localIdentity", (*mesh.LocalIdentity)(nil), items(func(m *mesh.Mesh) []*mesh.LocalIdentity { return m.LocalIdentities })},
		"roots":           {"root", (*mesh.Root)(nil), items(func(m *mesh.Mesh) []*mesh.Root { return m.Roots })},
		"flows":           {"flow", (*mesh.Flow)(nil), items(func(m *mesh.Mesh) []*mesh.Flow { return m.Flows })},
		"series":          {"series", (*mesh.Series)(nil), items(func(m *mesh.Mesh) []*mesh.Series { return m.Series })},
		"logs":            {"log", (*mesh.Log)(nil), items(func(m *mesh.Mesh) []*mesh.Log { return m.Logs })},
		"events":          {"event", (*mesh.Event)(nil), items(func(m *mesh.Mesh) []*mesh.Event { return m.Events })},
		"xds":             {"xds", (*mesh.XDSStream)(nil), items(func(m *mesh.Mesh) []*mesh.XDSStream { return m.XDS })},
		"addressClashes":  {"clash", (*mesh.AddressClash)(nil), items(func(m *mesh.Mesh) []*mesh.AddressClash { return m.Addresses })},
		"workloadStates":  {"inPod", (*mesh.InPod)(nil), items(func(m *mesh.Mesh) []*mesh.InPod { return m.WorkloadStates })},
	}
}

// functions that expressions may call beside expr's own.
func functions() []expr.Option {
	return []expr.Option{
		expr.Function("minor", func(p ...any) (any, error) { return minor(p[0].(string)), nil }, new(func(string) int)),
		expr.Function("human", func(p ...any) (any, error) { return human(number(p[0])), nil }, new(func(float64) string), new(func(int) string)),
		expr.Function("plural", func(p ...any) (any, error) { return plural(int(number(p[0])), p[1].(string)), nil }, new(func(int, string) string)),
		expr.Function("short", func(p ...any) (any, error) { return short(p[0].(string), p[1].(int)), nil }, new(func(string, int) string)),
		expr.Function("names", func(p ...any) (any, error) { return names(p[0]), nil }, new(func(any) string)),
		expr.Function("cidrContains", func(p ...any) (any, error) { return cidrContains(p[0].(string), p[1].(string)) }, new(func(string, string) bool)),
	}
}

func number(v any) float64 {
	switch n := v.(type) {
	case int:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

// minor is the second number of a version, -1 for what is none.
func minor(version string) int {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 || parts[0] != "1" {
		return -1
	}
	digits := parts[1]
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// human says a span of seconds as a person would: "3h5m", "2 days".
func human(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	default:
		return d.Round(time.Second).String()
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func short(text string, n int) string {
	if len(text) <= n {
		return text
	}
	if strings.Trim(text, "0123456789abcdef") == "" {
		return text[:n]
	}
	return text[:n] + "…"
}

// names lists things by their names, the first few of many.
func names(list any) string {
	const shown = 5
	var out []string
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice {
		return ""
	}
	for i := range v.Len() {
		if i == shown {
			out = append(out, fmt.Sprintf("and %d more", v.Len()-shown))
			break
		}
		item, ok := v.Index(i).Interface().(mesh.Item)
		if !ok {
			continue
		}
		s := item.Subject()
		if s.Namespace != "" {
			out = append(out, s.Namespace+"/"+s.Name)
		} else {
			out = append(out, s.Name)
		}
	}
	return strings.Join(out, ", ")
}

func cidrContains(cidr, ip string) (bool, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false, err
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return false, err
	}
	return p.Contains(a.Unmap()), nil
}
