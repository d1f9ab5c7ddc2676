package load

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/istiod"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// istiodFiles gathers what the bundle holds of one istiod pod.
type istiodFiles struct{ i *mesh.Istiod }

// istiodReader reads what there is of istiods.
type istiodReader struct {
	*reading
	components *componentLogs
	by         map[string]*istiodFiles // by pod
	// said is what the first istiod that was read would send.
	said     *mesh.Look
	versions map[string]string // of proxies other than ztunnels, by "<pod>.<ns>"
}

func (l *istiodReader) istiodOf(pod string) *istiodFiles {
	t := l.by[pod]
	if t == nil {
		t = &istiodFiles{i: &mesh.Istiod{Name: pod, Proxies: map[string]int{}, Clusters: map[string]string{}, CSRSignErrors: -1, Convergence99Seconds: -1, Dir: path.Join(l.dir, layout.Pod{Kind: layout.Istiod, Name: pod}.Dir())}}
		l.by[pod] = t
	}
	return t
}

// istiodAnswer is one of the things that are read of each istiod, and the input of rules that it is.
type istiodAnswer struct {
	layout.Artifact
	input string
	// shared is true of what any replica tells; of all else that of every replica is needed.
	shared bool
	read   func(*istiodReader, *istiodFiles, bundle.File) error
}

func istiodAnswers() []istiodAnswer {
	return []istiodAnswer{
		{layout.IstiodSyncz, mesh.InputSyncz, false, (*istiodReader).syncz},
		{layout.IstiodAmbientz, mesh.InputAmbientz, true, (*istiodReader).ambientz},
		{layout.IstiodLog, mesh.InputIstiodLog, false, (*istiodReader).log},
		{layout.IstiodMetrics, mesh.InputIstiodMetrics, false, (*istiodReader).istiodMetrics},
		{layout.IstiodMesh, mesh.InputMeshConfig, true, (*istiodReader).meshConfig},
		{layout.IstiodClusterz, mesh.InputClusterz, false, (*istiodReader).clusterz},
		{layout.IstiodNetworkz, mesh.InputNetworkz, true, (*istiodReader).networkz},
		// What follows adds to these.
		{layout.IstiodSyncz.After(), "", false, (*istiodReader).synczAfter},
		{layout.IstiodAmbientz.After(), "", false, (*istiodReader).ambientzAfter},
		{layout.IstiodVersion, "", false, (*istiodReader).version},
		{layout.IstiodPreviousLog, "", false, (*istiodReader).log},
	}
}

func (l *istiodReader) istiodFile(pod, name string, f bundle.File) error {
	if err := full(l.by, pod, istio.Istiod); err != nil {
		return err
	}
	t := l.istiodOf(pod)
	for _, a := range istiodAnswers() {
		if a.File == name {
			return a.read(l, t, f)
		}
	}
	return nil
}

// meshConfig reads the mesh's own configuration, which all replicas share.
func (l *istiodReader) meshConfig(_ *istiodFiles, f bundle.File) error {
	config, err := istiod.ReadMesh(f.Reader)
	if err != nil {
		return err
	}
	l.mesh.TrustDomain = config.TrustDomain
	l.mesh.RootNamespace = config.RootNamespace
	l.mesh.TrustDomainAliases = config.TrustDomainAliases
	l.mesh.DiscoverySelectors = len(config.DiscoverySelectors) > 0
	return nil
}

// clusterz reads which clusters the replica reads, and how far it has come.
func (l *istiodReader) clusterz(t *istiodFiles, f bundle.File) error {
	list, err := istiod.ReadClusterz(f.Reader)
	for _, c := range list {
		t.i.Clusters[c.ID] = c.SyncStatus
	}
	t.i.ClusterList.Source = mesh.Evidence{File: f.Path}
	return err
}

func (l *istiodReader) version(t *istiodFiles, f bundle.File) error {
	v, err := readVersion(f.Reader)
	t.i.Version = cmp.Or(v, t.i.Version)
	return err
}

// log reads the log of the running container or of the one before it.
func (l *istiodReader) log(t *istiodFiles, f bundle.File) error {
	previous := path.Base(f.Path) == layout.PreviousLog
	return l.components.read(istio.Istiod, "", t.i.Name, "", f, previous, l.components.push)
}

func (l *istiodReader) syncz(t *istiodFiles, f bundle.File) error {
	list, err := istiod.ReadSyncz(f.Reader)
	if err != nil {
		return err
	}
	t.i.HasSyncz = true
	for n, s := range list {
		t.i.Proxies[s.ProxyType]++
		if s.ProxyType != istiod.ProxyZtunnel {
			l.versions[s.Proxy] = version(s.IstioVersion)
			continue
		}
		at := mesh.Evidence{File: f.Path, Pointer: fmt.Sprintf("/%d", n), Text: s.Proxy}
		if len(s.Resources) == 0 {
			l.mesh.XDS = append(l.mesh.XDS, &mesh.XDSStream{Istiod: t.i, Proxy: s.Proxy, Source: at})
		}
		for _, kind := range []struct{ url, short string }{{istiod.TypeAddress, "WDS"}, {istiod.TypeAuthorization, "WADS"}} {
			r, ok := s.Resources[kind.url]
			if !ok {
				continue
			}
			at := at
			at.Pointer += "/resources/" + strings.ReplaceAll(kind.url, "/", "~1")
			at.Text = fmt.Sprintf("%s %s sent %q acked %q", s.Proxy, kind.short, r.Sent, r.Acked)
			if r.LastError != "" {
				at.Text += fmt.Sprintf(" lastError %q", r.LastError)
			}
			l.mesh.XDS = append(l.mesh.XDS, &mesh.XDSStream{
				Istiod: t.i, Proxy: s.Proxy, Type: kind.short, Sent: r.Sent, Acked: r.Acked, SentAt: r.SentTime, LastError: r.LastError, Source: at,
			})
		}
	}
	return nil
}

func (l *istiodReader) ambientz(t *istiodFiles, f bundle.File) error {
	a, err := l.sent(f)
	if err != nil {
		return err
	}
	t.i.HasAmbientz = true
	t.i.Workloads, t.i.Services, t.i.Policies = a.Workloads, a.Services, a.Policies
	t.i.WorkloadCount = a.Workloads.Len()
	return nil
}

// sent reads what an istiod would send. Replicas that say the same, at either
// look, share what they say: as links to one view, or element by element.
func (l *istiodReader) sent(f bundle.File) (*mesh.Look, error) {
	view := cmp.Or(f.Link, f.Path)
	if look, ok := l.views[view].(*mesh.Look); ok {
		return look, nil
	}
	if f.Reader == nil {
		return nil, fmt.Errorf("is a link to %s, which could not be read", f.Link)
	}
	look, err := l.readSent(f)
	if err == nil {
		l.views[view] = look
	}
	return look, err
}

func (l *istiodReader) readSent(f bundle.File) (*mesh.Look, error) {
	ws := &mesh.WorkloadSet{Specs: map[string]*mesh.WorkloadSpec{}, File: f.Path}
	a, err := istiod.VisitAmbientz(f.Reader, func(w *istiod.Workload) error {
		spec := workloadSpec(w, f.Path)
		if l.said != nil {
			if theirs := l.said.Workloads.Specs[w.UID]; theirs != nil && mesh.SameWorkload(spec, theirs) {
				ws.Specs[w.UID] = theirs
				return nil
			}
		}
		ws.Specs[w.UID] = spec
		return l.keep(ownSpec)
	})
	if err != nil {
		return nil, err
	}
	if err := l.keep(ownSpec * (len(a.Services) + len(a.Policies))); err != nil {
		return nil, err
	}
	look := &mesh.Look{Workloads: ws, Services: serviceSet(a.Services, f.Path), Policies: policySet(a.Policies, f.Path)}
	if l.said == nil {
		l.said = look
		return look, nil
	}
	look.Services.Share(l.said.Services, mesh.SameService)
	return look, nil
}

// readVersion reads istiod's /version: plain text or JSON with a version in it.
func readVersion(r io.Reader) (string, error) {
	data, err := readAll(r, 64<<10)
	if err != nil {
		return "", err
	}
	var v struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(data, &v, rawjson.Lenient()) == nil && v.Version != "" {
		return version(v.Version), nil
	}
	return version(strings.SplitN(strings.TrimSpace(string(data)), "-", 2)[0]), nil
}
