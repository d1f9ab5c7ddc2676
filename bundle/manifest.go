package bundle

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/zbundle/zbundle/bundle/redact"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// FormatVersion is the version of the archive's format that this package writes.
const FormatVersion = 1

// maxManifest bounds what is read of either, in bytes: a thousand nodes need 10 MB.
const maxManifest = 256 << 20

// Header is the first entry: what is known before anything is collected.
type Header struct {
	Format  int               `json:"format"`
	Tool    string            `json:"tool"` // version of zbundle
	Cluster Cluster           `json:"cluster"`
	Started time.Time         `json:"started"` // by the cluster's clock where it has one
	Options map[string]string `json:"options,omitempty"`
	// Clusters are set, in place of Cluster, where the bundle holds several of one mesh.
	Clusters []Cluster `json:"clusters,omitempty"`
	// Shard is set where this is one of several collections of the cluster.
	Shard *Shard `json:"shard,omitempty"`
	// Anonymized is true where pseudonyms stand for all names and addresses.
	Anonymized bool `json:"anonymized,omitempty"`
}

// Cluster names the cluster that was collected.
type Cluster struct {
	Context string `json:"context,omitempty"`
	Server  string `json:"server,omitempty"` // host and port only
	Version string `json:"version,omitempty"`
	UID     string `json:"uid,omitempty"` // of namespace kube-system
	// Dir is the folder of its entries, in a bundle of several.
	Dir string `json:"dir,omitempty"`
}

// ClusterFinal is what is known at the end of one cluster of several.
type ClusterFinal struct {
	Dir         string    `json:"dir"`
	Complete    bool      `json:"complete"`
	Incomplete  string    `json:"incomplete,omitempty"` // why not
	Captured    time.Time `json:"captured"`
	ClockSource string    `json:"clockSource"`
}

// scan takes secrets out of the free text of the header.
func (h *Header) scan(found map[string]int) {
	h.Cluster.scan(found)
	h.Clusters = slices.Clone(h.Clusters)
	for i := range h.Clusters {
		h.Clusters[i].scan(found)
	}
	h.Options = maps.Clone(h.Options)
	for name, value := range h.Options {
		h.Options[name] = redact.Text(value, found)
	}
}

func (c *Cluster) scan(found map[string]int) {
	c.Context, c.Server, c.Version = redact.Text(c.Context, found), redact.Text(c.Server, found), redact.Text(c.Version, found)
}

// scan takes secrets out of what servers and errors say of a task.
func (t *Task) scan(found map[string]int) {
	t.Request, t.Reason = redact.Text(t.Request, found), redact.Text(t.Reason, found)
}

// Status is how a task ended.
type Status string

const (
	StatusOK        Status = "ok"
	StatusTruncated Status = "truncated" // a part of it is there
	StatusSkipped   Status = "skipped"   // not asked for, on purpose
	StatusAbsent    Status = "absent"    // the cluster has no such thing: as good as an empty list
	StatusForbidden Status = "forbidden"
	StatusTimeout   Status = "timeout"
	StatusNotReady  Status = "not-ready"
	StatusFailed    Status = "failed"
	StatusCancelled Status = "cancelled"
)

// Complete is true of the statuses that leave nothing missing.
func (s Status) Complete() bool { return s == StatusOK || s == StatusAbsent || s == StatusSkipped }

// Target is what a task was asked of.
type Target struct {
	Kind      string `json:"kind"`              // "cluster", "istiod", "ztunnel", "cni", "waypoint" or "gateway"
	Cluster   string `json:"cluster,omitempty"` // the folder of its entries, in a bundle of several clusters
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	Node      string `json:"node,omitempty"`
}

// Task is one request as it ended.
type Task struct {
	ID         string    `json:"id"` // "ztunnel/config_dump"
	Target     Target    `json:"target"`
	Request    string    `json:"request"`
	Status     Status    `json:"status"`
	Reason     string    `json:"reason,omitempty"`
	Started    time.Time `json:"started"`
	DurationMS int64     `json:"durationMs"`
	Bytes      int64     `json:"bytes"` // received
	Entries    []string  `json:"entries,omitempty"`
	// ClockSkewMS is how far the target's clock was ahead of the API server's, by its Date header.
	ClockSkewMS *int64 `json:"clockSkewMs,omitempty"`
}

// Entry is one file of the archive.
type Entry struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Link   string `json:"link,omitempty"` // path of the entry that this one is a hard link to
	Task   string `json:"task,omitempty"`
}

// Discovered is one part of the mesh that the collector found.
type Discovered struct {
	Cluster   string `json:"cluster,omitempty"` // as of Target
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Node      string `json:"node,omitempty"`
	Revision  string `json:"revision,omitempty"`
	Note      string `json:"note,omitempty"`
}

// Right is one thing that RBAC grants.
type Right struct {
	Verb      string `json:"verb"`
	Group     string `json:"group,omitempty"`     // none for core
	Resource  string `json:"resource"`            // with its subresource: "pods/log"
	Namespace string `json:"namespace,omitempty"` // none for the whole cluster
	Name      string `json:"name,omitempty"`      // of the one object that it is for
	Denied    bool   `json:"denied,omitempty"`
}

func compareRights(a, b Right) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group),
		cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb), cmp.Compare(a.Name, b.Name))
}

// Cost is what a collection asked of the API server, port-forwards and what
// came through them included.
type Cost struct {
	Requests int64 `json:"requests"`
	Bytes    int64 `json:"bytes"`
}

// Manifest is the last entry: everything that was asked and what came of it.
type Manifest struct {
	Collection
	Entries []Entry     `json:"entries"`
	Dumps   []view.Dump `json:"dumps"`
}

// Collection is what the manifest says of the collection as a whole.
type Collection struct {
	Format     int    `json:"format"`
	Complete   bool   `json:"complete"`
	Incomplete string `json:"incomplete,omitempty"` // why not
	// Captured is the time to judge everything by, ClockSource whose it is:
	// "api-server" or "collector".
	Captured    time.Time      `json:"captured"`
	ClockSource string         `json:"clockSource"`
	Started     time.Time      `json:"started"`
	Finished    time.Time      `json:"finished"`
	Redactions  map[string]int `json:"redactions,omitempty"`
	Shards      *Shards        `json:"shards,omitempty"` // of a bundle that was merged of them
	Clusters    []ClusterFinal `json:"clusters,omitempty"`
	Discovery   []Discovered   `json:"discovery"`
	// Rights are what the collection needed, as the API server said beforehand.
	Rights []Right `json:"rights,omitempty"`
	// Cost is what the collection asked of the API server.
	Cost  Cost   `json:"cost"`
	Tasks []Task `json:"tasks"`
}

// DecodeHeader reads zbundle.json, and refuses one of a newer format.
func DecodeHeader(r io.Reader) (*Header, error) {
	h := &Header{}
	if err := rawjson.DecodeBounded(r, maxManifest, h); err != nil {
		return nil, fmt.Errorf("read the bundle's header: %w", err)
	}
	return h, checkFormat(h.Format)
}

// DecodeManifest reads manifest.json, and refuses one of a newer format.
func DecodeManifest(r io.Reader) (*Manifest, error) {
	m := &Manifest{}
	if err := rawjson.DecodeBounded(r, maxManifest, m); err != nil {
		return nil, fmt.Errorf("read the bundle's manifest: %w", err)
	}
	return m, checkFormat(m.Format)
}

// DecodeCollection reads of manifest.json what it says of the collection: the
// lists of what is in the bundle grow with it, and are passed over.
func DecodeCollection(r io.Reader) (*Collection, error) {
	c := &Collection{}
	if err := rawjson.DecodeBounded(r, maxManifest, c); err != nil {
		return nil, fmt.Errorf("read the bundle's manifest: %w", err)
	}
	return c, checkFormat(c.Format)
}

func checkFormat(format int) error {
	switch {
	case format > FormatVersion:
		return fmt.Errorf("the bundle has format %d, and this zbundle reads up to %d: use a newer zbundle", format, FormatVersion)
	case format < 1:
		return fmt.Errorf("the bundle has no valid format number (%d)", format)
	}
	return nil
}

func compareDiscovered(a, b Discovered) int {
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Note, b.Note))
}

// sortManifest makes the order of tasks and entries that of their names, not
// of the moments in which they happened to end.
func sortManifest(m *Manifest) {
	slices.SortStableFunc(m.Tasks, func(a, b Task) int {
		return cmp.Or(cmp.Compare(a.Target.Cluster, b.Target.Cluster), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Target.Node, b.Target.Node), cmp.Compare(a.Target.Namespace, b.Target.Namespace), cmp.Compare(a.Target.Name, b.Target.Name), cmp.Compare(a.Request, b.Request))
	})
	slices.SortFunc(m.Entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(m.Dumps, func(a, b view.Dump) int { return cmp.Compare(a.Path, b.Path) })
	if m.Dumps == nil {
		m.Dumps = []view.Dump{}
	}
	if m.Tasks == nil {
		m.Tasks = []Task{}
	}
	if m.Entries == nil {
		m.Entries = []Entry{}
	}
	if m.Discovery == nil {
		m.Discovery = []Discovered{}
	}
}
