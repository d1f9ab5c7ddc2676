package lab

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"istio.io/istio/pkg/adsc"
	"istio.io/istio/pkg/model"
	"istio.io/istio/pkg/workloadapi"
	"istio.io/istio/pkg/workloadapi/security"
	corev1 "k8s.io/api/core/v1"

	zistiod "github.com/zbundle/zbundle/internal/istiod"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// subscription is a delta xDS stream for all addresses and policies, as a
// ztunnel opens it (src/xds/client.rs).
type subscription struct {
	istiod *istiod
	pod    *corev1.Pod
	close  func()

	mu        sync.Mutex
	resources map[string]proto.Message
}

func subscribe(t *testing.T, i *istiod, pod *corev1.Pod) *subscription {
	t.Helper()
	s := &subscription{istiod: i, pod: pod, resources: map[string]proto.Message{}}
	s.open(t)
	t.Cleanup(func() { s.close() })
	return s
}

// firstPush is how long istiod may take to read a large cluster before it sends anything.
const firstPush = 5 * time.Minute

// open connects and waits until all that istiod has was sent.
func (s *subscription) open(t *testing.T) {
	t.Helper()
	meta := must[*structpb.Struct](t)(structpb.NewStruct(map[string]any{
		"NAME": s.pod.Name, "NAMESPACE": s.pod.Namespace, "NODE_NAME": s.pod.Spec.NodeName, "CLUSTER_ID": "Kubernetes",
		"INSTANCE_IPS": s.pod.Status.PodIP, "ISTIO_VERSION": version,
	}))
	client := adsc.NewDelta(loopback(s.istiod.xds), &adsc.DeltaADSConfig{Config: adsc.Config{
		NodeType: model.Ztunnel, Namespace: s.pod.Namespace, Workload: s.pod.Name, IP: s.pod.Status.PodIP, Meta: meta,
	}},
		adsc.Register(func(_ adsc.HandlerContext, name, _ string, a *workloadapi.Address, event adsc.Event) {
			s.keep(name, a, event)
		}),
		adsc.Register(func(_ adsc.HandlerContext, name, _ string, a *security.Authorization, event adsc.Event) {
			s.keep(name, a, event)
		}),
		adsc.Watch[*workloadapi.Address]("*"), adsc.Watch[*security.Authorization]("*"))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { client.Run(ctx) })
	s.close = func() { cancel(); running.Wait() }
	select {
	case <-client.Synced():
	case <-time.After(firstPush):
		t.Fatalf("istiod sent nothing to %s within %s", s.pod.Name, firstPush)
	}
}

func (s *subscription) keep(name string, m proto.Message, event adsc.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if event == adsc.EventDelete {
		delete(s.resources, name)
		return
	}
	s.resources[name] = m
}

// held is what was sent, in the words and the order in which a ztunnel prints it.
func (s *subscription) held() (*zistiod.ConfigDump, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var answer bytes.Buffer
	answer.WriteString(`{"configs":[`)
	first := true
	for _, m := range s.resources {
		packed, err := anypb.New(m)
		if err != nil {
			return nil, err
		}
		text, err := protojson.Marshal(packed)
		if err != nil {
			return nil, fmt.Errorf("print %T: %w", m, err)
		}
		if !first {
			answer.WriteByte(',')
		}
		first = false
		answer.Write(text)
	}
	answer.WriteString(`]}`)
	held, err := zistiod.ReadConfigDump(&answer)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(held.Workloads, func(a, b ztunnel.Workload) int { return cmp.Compare(a.UID, b.UID) })
	slices.SortFunc(held.Services, func(a, b ztunnel.Service) int { return cmp.Compare(a.Hostname, b.Hostname) })
	slices.SortFunc(held.Policies, func(a, b ztunnel.Policy) int { return cmp.Compare(a.Key(), b.Key()) })
	return held, nil
}
