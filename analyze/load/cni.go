package load

import (
	"path"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/openmetrics"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// cniFiles gathers what the bundle holds of one istio-cni pod.
type cniFiles struct{ c *mesh.CNI }

// cniReader reads what there is of the agents of istio-cni.
type cniReader struct {
	*reading
	components *componentLogs
	by         map[string]*cniFiles // "<node>/<pod>"
}

func (l *cniReader) cniOf(node, pod string) *cniFiles {
	key := node + "/" + pod
	t := l.by[key]
	if t == nil {
		t = &cniFiles{c: &mesh.CNI{Name: pod, NodeName: node, ZtunnelConnected: -1, InstallReady: -1, Dir: path.Join(l.dir, layout.Pod{Kind: layout.CNI, Node: node, Name: pod}.Dir())}}
		l.by[key] = t
	}
	return t
}

func (l *cniReader) cniFile(node, pod, name string, f bundle.File) error {
	if err := full(l.by, node+"/"+pod, "istio-cni"); err != nil {
		return err
	}
	t := l.cniOf(node, pod)
	switch name {
	case layout.Metrics:
		set, err := openmetrics.Parse(l.lines.of(f.Reader))
		if v, ok := set.Sum("ztunnel_connected", nil); ok {
			t.c.ZtunnelConnected = v
			samples, _ := set.Lookup("ztunnel_connected")
			t.c.MetricsSource = mesh.Evidence{File: f.Path, Line: samples[0].Line, Text: "ztunnel_connected"}
		}
		if v, ok := set.Sum("istio_cni_install_ready", nil); ok {
			t.c.InstallReady = v
			samples, _ := set.Lookup("istio_cni_install_ready")
			t.c.InstallMetric.Source = mesh.Evidence{File: f.Path, Line: samples[0].Line, Text: "istio_cni_install_ready"}
		}
		t.c.RepairsFailed, _ = set.Sum("istio_cni_repair_pods_repaired_total", map[string]string{"result": "fail"})
		return err
	case layout.Log:
		return l.components.read(istio.CNI, "", pod, node, f, false, func(r *ztunnel.Record) {
			if r.Time.After(t.c.LogTo) {
				t.c.LogTo = r.Time
			}
		})
	case layout.PreviousLog:
		return l.components.read(istio.CNI, "", pod, node, f, true, nil)
	}
	return nil
}
