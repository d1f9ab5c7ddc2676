package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// settledAge is how old everything counts at the recorded moment that was there before the world
// began: the recording itself ran for seconds only.
const settledAge = time.Hour

// recording is a recorded world as its folder holds it. What was done to the world (fault and
// note of world.json) is never read.
type recording struct {
	recordedWorld
	nodes map[string]*recordedNode
}

// recordedWorld is world.json.
type recordedWorld struct {
	Version  string    `json:"version"`
	Captured time.Time `json:"captured"`
	Nodes    []struct {
		Name    string `json:"name"`
		IP      string `json:"ip"`
		Ztunnel string `json:"ztunnel"`
	} `json:"nodes"`
	Pods     []recordedPod          `json:"pods"`
	Services []recordedService      `json:"services"`
	Policies []world.RecordedPolicy `json:"policies"`
	// ZDS holds per node what the CNI agent told its ztunnel, each as [message, answer].
	ZDS map[string][][]string `json:"zds"`
}

type recordedPod struct {
	Namespace      string  `json:"namespace"`
	Name           string  `json:"name"`
	ServiceAccount string  `json:"serviceAccount"`
	Node           string  `json:"node"`
	IP             string  `json:"ip"`
	App            string  `json:"app"`
	UID            string  `json:"uid"`
	Redirection    *string `json:"redirection"`
}

type recordedService struct {
	Namespace string           `json:"ns"`
	Name      string           `json:"name"`
	VIP       string           `json:"vip"`
	Ports     map[string]int32 `json:"ports"`
	App       string           `json:"app"`
	Waypoint  json.RawMessage  `json:"waypoint"`
}

// Load reads the recorded world in dir and makes it a cluster.
func Load(dir string) (*world.World, error) {
	rec, err := ReadRecording(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the recorded world %s: %w", dir, err)
	}
	w := &world.World{
		Now:     func() time.Time { return rec.Captured },
		Version: version.Info{Major: "1", Minor: "36", GitVersion: world.KubernetesVersion, Platform: "linux/amd64"},
		Objects: world.NewStore(),
		Pods:    map[string]world.PodBackend{},
	}
	if err := rec.addTo(w); err != nil {
		return nil, fmt.Errorf("making a cluster of the recorded world %s: %w", dir, err)
	}
	return w, w.Objects.Seal()
}

// ReadRecording reads the folder of a recorded world.
func ReadRecording(dir string) (*recording, error) {
	text, err := os.ReadFile(filepath.Join(dir, "world.json"))
	if err != nil {
		return nil, err
	}
	rec := &recording{nodes: map[string]*recordedNode{}}
	if err := json.Unmarshal(text, &rec.recordedWorld); err != nil {
		return nil, fmt.Errorf("world.json: %w", err)
	}
	if rec.Captured.IsZero() || len(rec.Nodes) == 0 {
		return nil, errors.New("world.json: no moment of capture or no nodes")
	}
	for _, n := range rec.Nodes {
		node, err := readRecordedNode(filepath.Join(dir, n.Name))
		if err != nil {
			return nil, err
		}
		rec.nodes[n.Name] = node
	}
	return rec, nil
}

// settled is when everything counts as created that was there before the world began.
func (r *recording) settled() time.Time {
	return r.Captured.Add(-settledAge).Truncate(time.Second)
}

func (r *recording) addTo(w *world.World) error {
	var all []world.Stored
	all = append(all, r.nodeObjects()...)
	all = append(all, r.namespaceObjects()...)
	all = append(all, r.agentObjects(w)...)
	pods := r.podModels()
	all = append(all, r.podObjects(w, pods)...)
	all = append(all, r.serviceObjects(pods)...)
	all = append(all, r.policyObjects()...)
	all = append(all, world.Stored{Resource: "configmaps", Object: world.CNIConfigMap(r.Version, r.settled())}, r.rootConfigMap())
	for _, o := range all {
		if err := o.AddTo(w.Objects); err != nil {
			return err
		}
	}
	return world.AddCustomResourceDefinitions(w.Objects, r.settled())
}

func (r *recording) nodeObjects() []world.Stored {
	var out []world.Stored
	for _, n := range r.Nodes {
		out = append(out, world.Stored{Resource: "nodes", Object: world.NodeModel{Name: n.Name, IP: n.IP, Created: r.settled(), Ready: true}.Object()})
	}
	return out
}

// rootConfigMap is the root certificate as the control plane hands it to every namespace.
func (r *recording) rootConfigMap() world.Stored {
	data := map[string]string{}
	for _, n := range r.Nodes {
		if root := r.nodes[n.Name].root(); root != "" {
			data["root-cert.pem"] = root
			break
		}
	}
	return world.Stored{Resource: "configmaps", Object: &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: world.SystemNamespace, Name: istio.RootCertConfigMap, CreationTimestamp: metav1.NewTime(r.settled()),
			Labels: map[string]string{"istio.io/config": "true"},
		},
		Data: data,
	}}
}
