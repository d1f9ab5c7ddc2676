package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Fragments are the parts of dumps that many ztunnels share, rendered once.
type Fragments struct {
	Mu        sync.RWMutex
	workloads map[fragmentKey][]byte
	Services  []byte
}

type fragmentKey struct {
	pod   *Pod
	plain bool
	order string // of the pod's services
}

// Dump renders GET /config_dump.
func (z *Ztunnel) Dump() ([]byte, error) {
	b, err := z.Family.build(z.Version, z.Node.Name, z.Pod.Name)
	if err != nil {
		return nil, err
	}
	b.Config["clusterId"], b.Config["network"] = z.mesh.clusterID, z.mesh.network
	for key, value := range z.Settings {
		b.Config[key] = value
	}
	certificates, err := z.dumpCertificates()
	if err != nil {
		return nil, err
	}
	order := z.shuffle()
	if ports, ok := b.Config["illegalPorts"].([]any); ok {
		order.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
	}
	services, err := z.renderServices()
	if err != nil {
		return nil, err
	}
	workloads, err := z.renderWorkloads()
	if err != nil {
		return nil, err
	}
	nothing := dumpStatic{Policies: []string{}, Services: []string{}, Workloads: []string{}}
	var out bytes.Buffer
	out.Grow(len(services) + len(workloads) + 64<<10)
	out.WriteString("{")
	for i, section := range []struct {
		key   string
		value any
	}{
		{"certificates", certificates}, {"config", b.Config}, {"policies", z.dumpPolicies()},
		{"services", rendered(services)}, {"stagedServices", struct{}{}}, {"staticConfig", nothing},
		{"version", b.Version}, {"workloadState", z.dumpProxies()}, {"workloads", rendered(workloads)},
	} {
		text, ok := section.value.(rendered)
		if !ok {
			if text, err = render("  ", section.value); err != nil {
				return nil, fmt.Errorf("printing %s of %s: %w", section.key, z.Pod.Name, err)
			}
		}
		out.WriteString(Choose(i == 0, "\n", ",\n"))
		fmt.Fprintf(&out, "  %q: ", section.key)
		out.Write(text)
	}
	out.WriteString("\n}")
	return out.Bytes(), nil
}

// rendered is JSON that is printed already.
type rendered []byte

// render prints value as serde_json's pretty printer does, at the depth of prefix.
func render(prefix string, value any) (rendered, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// renderServices prints the services once for all ztunnels that hold what they should.
func (z *Ztunnel) renderServices() ([]byte, error) {
	if z.Empty || len(z.Missing)+len(z.Stale)+len(z.Lacks) > 0 {
		return render("  ", z.dumpServices())
	}
	shared := &z.mesh.Fragments
	shared.Mu.Lock()
	defer shared.Mu.Unlock()
	if shared.Services == nil {
		text, err := render("  ", z.dumpServices())
		if err != nil {
			return nil, err
		}
		shared.Services = text
	}
	return shared.Services, nil
}

// renderWorkloads prints each workload with its services in the ztunnel's own random order.
func (z *Ztunnel) renderWorkloads() ([]byte, error) {
	order := z.shuffle()
	var out bytes.Buffer
	for i, p := range z.holds() {
		services := make([]string, len(p.Services))
		for j, s := range p.Services {
			services[j] = s.key()
		}
		order.Shuffle(len(services), func(i, j int) { services[i], services[j] = services[j], services[i] })
		text, err := z.renderWorkload(p, services)
		if err != nil {
			return nil, err
		}
		out.WriteString(Choose(i == 0, "[\n    ", ",\n    "))
		out.Write(text)
	}
	if out.Len() == 0 {
		return []byte("[]"), nil
	}
	out.WriteString("\n  ]")
	return out.Bytes(), nil
}

func (z *Ztunnel) renderWorkload(p *Pod, services []string) ([]byte, error) {
	shared := &z.mesh.Fragments
	key := fragmentKey{pod: p, plain: z.plain[p], order: strings.Join(services, " ")}
	shared.Mu.RLock()
	text, ok := shared.workloads[key]
	shared.Mu.RUnlock()
	if ok {
		return text, nil
	}
	w := z.dumpWorkload(p)
	w.Services = slices.Clone(services)
	text, err := render("    ", w)
	if err != nil {
		return nil, err
	}
	shared.Mu.Lock()
	defer shared.Mu.Unlock()
	if shared.workloads == nil {
		shared.workloads = map[fragmentKey][]byte{}
	}
	shared.workloads[key] = text
	return text, nil
}
