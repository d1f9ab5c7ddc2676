package load

import (
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// silent is true of a ztunnel that was asked on all of its ports and answered on none, while the kubelet
// of its node gave its log.
func (r reasons) silent(pod string) bool {
	for _, a := range []layout.Artifact{layout.ZtunnelConfigDump, layout.ZtunnelMetrics, layout.ZtunnelReady} {
		if r.byTask[taskKey(a.Task(), pod)].Status != bundle.StatusTimeout {
			return false
		}
	}
	return r.byTask[taskKey(layout.ZtunnelLog.Task(), pod)].Status == bundle.StatusOK
}
