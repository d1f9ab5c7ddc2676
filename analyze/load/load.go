// Package load reads a bundle into the mesh model: one pass over its entries
// in whatever order they come, each parsed as it streams by.
package load

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// Source is what a mesh is read from: a bundle's reader, bare config dumps,
// or the worlds of rule tests.
type Source interface {
	Walk(ctx context.Context, fn func(bundle.File) error) error
	Problems() []bundle.Problem
}

// Summary is what is known of the bundle itself.
type Summary struct {
	Header   *bundle.Header
	Manifest *bundle.Collection
	// Problems are entries that were refused or could not be read.
	Problems  []bundle.Problem
	Ztunnels  Count
	Istiods   Count
	CNIs      Count
	BareDumps int
	// Origins are the files that were given, by the paths that their contents have in a bundle.
	Origins map[string]string
}

// Origin is the file to show for a path of the bundle.
func (s *Summary) Origin(path string) string {
	if origin, ok := s.Origins[path]; ok {
		return origin
	}
	return path
}

// Foreign is true where nothing was read that zbundle knows.
func (s *Summary) Foreign() bool {
	return s.Header == nil && s.Manifest == nil && s.Ztunnels.Total+s.Istiods.Total+s.CNIs.Total+s.BareDumps == 0
}

// Count is how many of a kind were read, of how many there are.
type Count struct {
	Read  int `json:"read"`
	Total int `json:"total"`
}

// loader reads one cluster: each kind of entry by a reader of its own, which
// keeps what has to be put together with other entries.
type loader struct {
	*reading
	objects    *objectReader
	gateways   *gatewayReader
	ztunnels   *ztunnelReader
	istiods    *istiodReader
	cnis       *cniReader
	envoys     *envoyReader
	components *componentLogs
	series     *seriesReader
}

func newLoader(dir string, shared common) *loader {
	r := &reading{
		common: shared, dir: dir, seen: map[string]bool{},
		mesh: &mesh.Mesh{Config: map[string]string{}, ServiceAccounts: map[string]bool{}},
	}
	l := &loader{reading: r}
	l.series = &seriesReader{reading: r, by: map[seriesKey]*mesh.Series{}}
	l.components = &componentLogs{reading: r, pushes: map[string][]int{}}
	l.gateways = &gatewayReader{reading: r, classes: map[string]gatewayClassObject{}, replicas: map[string]int{}, byGateway: map[*mesh.Pod]bool{}}
	l.objects = &objectReader{reading: r, gateways: l.gateways, pods: map[string]podFacts{}, rootCerts: map[string][]string{}, alike: map[string]map[string]string{}}
	l.ztunnels = &ztunnelReader{reading: r, series: l.series, by: map[string]*ztunnelFiles{}}
	l.istiods = &istiodReader{reading: r, components: l.components, by: map[string]*istiodFiles{}, versions: map[string]string{}}
	l.cnis = &cniReader{reading: r, components: l.components, by: map[string]*cniFiles{}}
	l.envoys = &envoyReader{reading: r, components: l.components, by: map[string]*envoyFiles{}, seed: maphash.MakeSeed()}
	return l
}

// file reads one entry by where it stands in the layout.
func (l *loader) file(f bundle.File, at layout.Path) {
	if f.Origin != "" {
		l.summary.Origins[f.Path] = f.Origin
	}
	if f.Reader == nil && !layout.MayShare(f.Path) {
		l.problem(f.Path, fmt.Errorf("is a link to %s, which only what is shared can be", f.Link))
		return
	}
	lines := &lineCounter{r: f.Reader}
	if f.Reader != nil && layout.IsJSON(f.Path) {
		f.Reader = lines
	}
	if err := l.read(f, at); !errors.Is(err, errLater) {
		l.ended(f.Path, lines.placed(err))
	}
}

func (l *loader) read(f bundle.File, at layout.Path) (err error) {
	switch at.Kind {
	case layout.HeaderFile:
		l.summary.Header, err = bundle.DecodeHeader(f.Reader)
	case layout.ManifestFile:
		l.summary.Manifest, err = bundle.DecodeCollection(f.Reader)
	case layout.PodChangesFile:
		err = l.podChanges(f)
	case layout.ObjectsFile:
		if err = l.objects.clusterFile(at.Group, at.Resource, f); err == nil {
			l.seen[path.Join(l.dir, layout.Objects(at.Group, at.Resource))] = true
		}
	case layout.PodFile:
		err = l.podFile(f, at)
	case layout.ViewFile:
		switch at.View {
		case layout.KindXDS: // ambientz says the same of every version that ztunnels are served by
		case layout.KindAmbientz:
			_, err = l.istiods.sent(f)
		default:
			err = l.ztunnels.viewFile(f)
		}
	}
	return err
}

func (l *loader) podFile(f bundle.File, at layout.Path) error {
	pod := at.Pod
	switch pod.Kind {
	case layout.Istiod:
		return l.istiods.istiodFile(pod.Name, at.File, f)
	case layout.Ztunnel:
		return l.ztunnels.ztunnelFile(at, f)
	case layout.CNI:
		return l.cnis.cniFile(pod.Node, pod.Name, at.File, f)
	}
	return l.envoys.waypointFile(pod.Namespace, pod.Name, at.File, f)
}

// errLater is of an entry that is still being read.
var errLater = errors.New("is read beside what follows")

// finish puts together what stood in several entries, and joins the planes.
func (l *loader) finish() {
	l.captured()
	l.objects.finish()
	l.gateways.finish(l.istiods.versions)
	l.finishAgents()
	l.components.finish()
	l.series.finish()
	why := l.reasons()
	l.envoys.finish(why)
	(&gapFinder{loader: l, why: why}).gaps()
	l.mesh.Join()
}

// captured decides the time that everything is judged by: the cluster's at
// the capture. A bare dump does not say when it was taken; then the newest
// certificate's first day is the latest time that it is known to have seen.
func (l *loader) captured() {
	m := l.mesh
	if own := l.final(); own != nil && !own.Captured.IsZero() {
		m.Captured, m.CapturedKnown = own.Captured, true
	} else if man := l.summary.Manifest; man != nil && !man.Captured.IsZero() {
		m.Captured, m.CapturedKnown = man.Captured, true
	} else if h := l.summary.Header; h != nil && !h.Started.IsZero() {
		m.Captured, m.CapturedKnown = h.Started, true
	} else {
		for _, z := range l.ztunnels.by {
			for _, c := range z.z.Certificates {
				if c.NotBefore.After(m.Captured) {
					m.Captured = c.NotBefore
				}
			}
		}
	}
	if h := l.summary.Header; h != nil {
		m.Cluster = h.Cluster.Context
	}
}

// readAll reads a small entry whole.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d MB, which no such file is", limit>>20)
	}
	return data, nil
}

var errNoItems = errors.New("is no list of objects")
