// Package load reads a bundle into the mesh model: one pass over its entries
// in whatever order they come, each parsed as it streams by.
package load

import (
	"bufio"
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

// loader reads one cluster.
type loader struct {
	common
	mesh *mesh.Mesh
	dir  string // of the cluster's entries, "" in a bundle of one

	seen     map[string]bool // entries that were read whole
	ztunnels map[string]*ztunnelFiles
	istiods  map[string]*istiodFiles
	cnis     map[string]*cniFiles
	pods     map[string]podFacts
	series   map[seriesKey]*mesh.Series
	slices   []endpointSlice
	// replicas are Deployments' spec.replicas by "<ns>/<name>".
	replicas map[string]int
	// rootCerts are the fingerprints in each namespace's istio-ca-root-cert.
	rootCerts map[string][]string
	lines     *bufio.Reader // of the entry that is being read line by line
	// alike are the labels and annotations of pods that have the same, by their text.
	alike map[string]map[string]string
	// said is what the first istiod that was read would send.
	said *mesh.Look
	// pushes are the resources of each full answer that istiods logged, by proxy.
	pushes  map[string][]int
	classes map[string]gatewayClassObject // by name
	// byGateway are the pods that only their Gateway makes a part of the mesh: they count nothing that is read.
	byGateway map[*mesh.Pod]bool
	envoys    map[string]*envoyFiles // by "<ns>/<pod>"
	// envoySamples counts what is kept of their metrics, told apart by hashes from seed.
	envoySamples int
	seed         maphash.Seed
	versions     map[string]string // of proxies other than ztunnels, by "<pod>.<ns>"
}

func newLoader(dir string, shared common) *loader {
	return &loader{
		common:   shared,
		dir:      dir,
		mesh:     &mesh.Mesh{Config: map[string]string{}, ServiceAccounts: map[string]bool{}},
		seen:     map[string]bool{},
		ztunnels: map[string]*ztunnelFiles{},
		istiods:  map[string]*istiodFiles{},
		cnis:     map[string]*cniFiles{},
		pods:     map[string]podFacts{},
		series:   map[seriesKey]*mesh.Series{},
		replicas: map[string]int{}, rootCerts: map[string][]string{}, pushes: map[string][]int{},
		alike: map[string]map[string]string{}, classes: map[string]gatewayClassObject{}, byGateway: map[*mesh.Pod]bool{}, versions: map[string]string{},
		envoys: map[string]*envoyFiles{}, seed: maphash.MakeSeed(),
	}
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
		if err = l.clusterFile(at.Group, at.Resource, f); err == nil {
			l.seen[path.Join(l.dir, layout.Objects(at.Group, at.Resource))] = true
		}
	case layout.PodFile:
		err = l.podFile(f, at)
	case layout.ViewFile:
		switch at.View {
		case layout.KindXDS: // ambientz says the same of every version that ztunnels are served by
		case layout.KindAmbientz:
			_, err = l.sent(f)
		default:
			err = l.viewFile(f)
		}
	}
	return err
}

func (l *loader) podFile(f bundle.File, at layout.Path) error {
	pod := at.Pod
	switch pod.Kind {
	case layout.Istiod:
		return l.istiodFile(pod.Name, at.File, f)
	case layout.Ztunnel:
		return l.ztunnelFile(at, f)
	case layout.CNI:
		return l.cniFile(pod.Node, pod.Name, at.File, f)
	}
	return l.waypointFile(pod.Namespace, pod.Name, at.File, f)
}

// errLater is of an entry that is still being read.
var errLater = errors.New("is read beside what follows")

// ended notes how the reading of an entry ended.
func (l *loader) ended(path string, err error) {
	if err != nil {
		l.problem(path, err)
		return
	}
	l.seen[path] = true
}

func (l *loader) problem(name string, err error) {
	const most = 1000
	if len(l.summary.Problems) < most {
		l.summary.Problems = append(l.summary.Problems, bundle.Problem{Path: l.summary.Origin(name), Text: clip(err.Error(), 1000)})
	}
}

// finish puts together what stood in several entries, and joins the planes.
func (l *loader) finish() {
	l.captured()
	l.finishCluster()
	l.finishAgents()
	l.finishPushes()
	l.finishSeries()
	why := l.reasons()
	l.finishEnvoys(why)
	l.gaps(why)
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
		for _, z := range l.ztunnels {
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

// final is what the manifest says of the cluster, nil in a bundle of one.
func (l *loader) final() *bundle.ClusterFinal {
	if l.summary.Manifest == nil || l.dir == "" {
		return nil
	}
	for i, c := range l.summary.Manifest.Clusters {
		if c.Dir == l.dir {
			return &l.summary.Manifest.Clusters[i]
		}
	}
	return nil
}

// lineBuffer holds the longest line that is read whole.
const lineBuffer = 64 << 10

// buffered reads an entry by lines, one entry at a time.
func (l *loader) buffered(r io.Reader) *bufio.Reader {
	if l.lines == nil {
		l.lines = bufio.NewReaderSize(r, lineBuffer)
	}
	l.lines.Reset(r)
	return l.lines
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
