package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/kubeapi"
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
	Pods     []recordedPod     `json:"pods"`
	Services []recordedService `json:"services"`
	Policies []recordedPolicy  `json:"policies"`
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

type recordedPolicy struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    string `json:"action"`
	Scope     string `json:"scope"`
	App       string `json:"app"`
}

// loadReplay reads the recorded world in dir and makes it a cluster.
func loadReplay(dir string) (*world, error) {
	rec, err := readRecording(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the recorded world %s: %w", dir, err)
	}
	w := &world{
		now:     func() time.Time { return rec.Captured },
		version: version.Info{Major: "1", Minor: "36", GitVersion: kubernetesVersion, Platform: "linux/amd64"},
		objects: newStore(),
		pods:    map[string]podBackend{},
	}
	if err := rec.addTo(w); err != nil {
		return nil, fmt.Errorf("making a cluster of the recorded world %s: %w", dir, err)
	}
	return w, w.objects.Seal()
}

func readRecording(dir string) (*recording, error) {
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

// stored is an object to store, with the resource that it is one of.
type stored struct {
	resource string
	object   interface {
		metav1.Object
		runtimeObject
	}
}

func (r *recording) addTo(w *world) error {
	var all []stored
	all = append(all, r.nodeObjects()...)
	all = append(all, r.namespaceObjects()...)
	all = append(all, r.agentObjects(w)...)
	pods := r.podModels()
	all = append(all, r.podObjects(w, pods)...)
	all = append(all, r.serviceObjects(pods)...)
	all = append(all, r.policyObjects()...)
	all = append(all, stored{"configmaps", cniConfigMap(r.Version, r.settled())}, r.rootConfigMap())
	for _, o := range all {
		if err := o.addTo(w.objects); err != nil {
			return err
		}
	}
	return addCustomResourceDefinitions(w.objects, r.settled())
}

func (r *recording) nodeObjects() []stored {
	var out []stored
	for _, n := range r.Nodes {
		out = append(out, stored{"nodes", nodeModel{name: n.Name, ip: n.IP, created: r.settled(), ready: true}.object()})
	}
	return out
}

// rootConfigMap is the root certificate as the control plane hands it to every namespace.
func (r *recording) rootConfigMap() stored {
	data := map[string]string{}
	for _, n := range r.Nodes {
		if root := r.nodes[n.Name].root(); root != "" {
			data["root-cert.pem"] = root
			break
		}
	}
	return stored{"configmaps", &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: systemNamespace, Name: istio.RootCertConfigMap, CreationTimestamp: metav1.NewTime(r.settled()),
			Labels: map[string]string{"istio.io/config": "true"},
		},
		Data: data,
	}}
}

// addTo stores the object; its UID follows from its name where it has none.
func (o stored) addTo(s *kubeapi.Store) error {
	r, err := s.Named(o.resource)
	if err != nil {
		return err
	}
	return addObject(s, r, o.object)
}

func addObject(s *kubeapi.Store, r kubeapi.Resource, object interface {
	metav1.Object
	runtime.Object
}) error {
	object.SetResourceVersion(strconv.Itoa(kubeapi.ResourceVersion))
	if object.GetUID() == "" {
		object.SetUID(stableUID(r.Resource, object.GetNamespace(), object.GetName()))
	}
	return s.Add(r, object)
}
