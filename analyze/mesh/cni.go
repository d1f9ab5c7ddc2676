package mesh

import (
	"strings"
	"time"
)

// CNI is one istio-cni node agent.
type CNI struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string `expr:"cluster"`
	Namespace string `expr:"namespace"`
	Name      string `expr:"name"`
	NodeName  string `expr:"nodeName"`
	Pod       *Pod   `expr:"pod"`
	Node      *Node  `expr:"node"`
	Version   string `expr:"version"`
	// ZtunnelConnected is metric ztunnel_connected, -1 where it is absent.
	ZtunnelConnected float64 `expr:"ztunnelConnected"`
	// InstallReady is metric istio_cni_install_ready, -1 where it is absent.
	InstallReady float64 `expr:"installReady"`
	// RepairsFailed is metric istio_cni_repair_pods_repaired_total with result "fail", since its start.
	RepairsFailed float64 `expr:"repairsFailed"`
	// LogTo is the time of its log's last line, SilentSeconds how long ago that was.
	LogTo         time.Time `expr:"logTo"`
	SilentSeconds float64   `expr:"silentSeconds"`
	// InstallMetric is the place of InstallReady.
	InstallMetric Section `expr:"installMetric"`
	Dir           string
	Source        Evidence
	MetricsSource Evidence
	gaps          map[string]*Gap
}

// SetGap says that the agent's artifact input is missing and why.
func (c *CNI) SetGap(input, reason string) {
	if c.gaps == nil {
		c.gaps = map[string]*Gap{}
	}
	c.gaps[input] = &Gap{Subject: c.Subject().String(), Reason: reason}
}

// MissingInput is the gap of an artifact of this agent, nil where it is there.
func (c *CNI) MissingInput(input string) *Gap { return c.gaps[input] }

func (c *CNI) Subject() Subject { return podSubject(c.Namespace, c.Name, c.NodeName).Of(c.Cluster) }

func (c *CNI) Refs() []string {
	keys := []string{c.Subject().Key(), nodeKey(c.NodeName)}
	if c.Node != nil && c.Node.Ztunnel != nil {
		keys = append(keys, c.Node.Ztunnel.Subject().Key())
	}
	return refs(keys...)
}

func (c *CNI) Evidence() []Evidence { return evidence(c.Source, c.MetricsSource) }

func (c *CNI) Gap(input string) (*Gap, bool) {
	if !strings.HasPrefix(input, "cni.") {
		return nil, false
	}
	return c.MissingInput(input), true
}
