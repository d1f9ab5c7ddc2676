package world

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

// What a generated cluster can do without.
const (
	withoutAmbient = "ambient" // Istio, and nothing of its ambient mode
	withoutIstio   = "istio"
)

// leaveOut takes from a world what the cluster does without.
func (m *Mesh) leaveOut(objects []Stored) ([]Stored, error) {
	switch m.without {
	case "":
		return objects, nil
	case withoutAmbient, withoutIstio:
	default:
		return nil, fmt.Errorf("a cluster can do without %s or %s, not %q", withoutAmbient, withoutIstio, m.without)
	}
	for _, i := range m.Istiods {
		i.Proxies = nil
	}
	var kept []Stored
	for _, o := range objects {
		object, err := meta.Accessor(o.Object)
		if err != nil {
			return nil, err
		}
		if m.omits(o.Resource, object) {
			continue
		}
		withoutMarks(object)
		kept = append(kept, o)
	}
	return kept, nil
}

func (m *Mesh) omits(resource string, o metav1.Object) bool {
	agent := strings.HasPrefix(o.GetName(), "ztunnel") || strings.HasPrefix(o.GetName(), "istio-cni")
	gateway := o.GetLabels()[istio.GatewayNameLabel] != "" || resource == "gateways" || resource == "authorizationpolicies"
	system := o.GetNamespace() == SystemNamespace || resource == "namespaces" && o.GetName() == SystemNamespace
	if m.without == withoutAmbient {
		return gateway || o.GetNamespace() == SystemNamespace && agent
	}
	return system || gateway || o.GetName() == istio.RootCertConfigMap || resource == "gatewayclasses"
}

// withoutMarks removes what enrolment leaves on objects.
func withoutMarks(o metav1.Object) {
	labels, annotations := o.GetLabels(), o.GetAnnotations()
	delete(labels, istio.DataplaneModeLabel)
	delete(annotations, istio.RedirectionAnnotation)
	o.SetLabels(labels)
	o.SetAnnotations(annotations)
}
