package foreign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/zbundle/zbundle/bundle/redact"
)

// knownResources are those that an analysis reads, by the kinds below.
var knownResources = sortedNames(resourceKinds())

func resourceKinds() map[string]string {
	return map[string]string{
		"core/pods": "v1 Pod", "core/nodes": "v1 Node", "core/namespaces": "v1 Namespace", "core/services": "v1 Service",
		"core/configmaps": "v1 ConfigMap", "core/events": "v1 Event", "core/serviceaccounts": "v1 ServiceAccount",
		"discovery.k8s.io/endpointslices": "discovery.k8s.io EndpointSlice",
		"apps/daemonsets":                 "apps DaemonSet", "apps/deployments": "apps Deployment",
		"networking.k8s.io/networkpolicies":              "networking.k8s.io NetworkPolicy",
		"apiextensions.k8s.io/customresourcedefinitions": "apiextensions.k8s.io CustomResourceDefinition",
		"cilium.io/ciliumnetworkpolicies":                "cilium.io CiliumNetworkPolicy",
		"cilium.io/ciliumclusterwidenetworkpolicies":     "cilium.io CiliumClusterwideNetworkPolicy",
		"crd.projectcalico.org/networkpolicies":          "crd.projectcalico.org NetworkPolicy",
		"crd.projectcalico.org/globalnetworkpolicies":    "crd.projectcalico.org GlobalNetworkPolicy",
		"crd.projectcalico.org/felixconfigurations":      "crd.projectcalico.org FelixConfiguration",
		"gateway.networking.k8s.io/gateways":             "gateway.networking.k8s.io Gateway",
		"gateway.networking.k8s.io/gatewayclasses":       "gateway.networking.k8s.io GatewayClass",
		"gateway.networking.k8s.io/httproutes":           "gateway.networking.k8s.io HTTPRoute",
		"gateway.networking.k8s.io/grpcroutes":           "gateway.networking.k8s.io GRPCRoute",
		"gateway.networking.k8s.io/tcproutes":            "gateway.networking.k8s.io TCPRoute",
		"gateway.networking.k8s.io/tlsroutes":            "gateway.networking.k8s.io TLSRoute",
		"networking.istio.io/virtualservices":            "networking.istio.io VirtualService",
		"networking.istio.io/destinationrules":           "networking.istio.io DestinationRule",
		"security.istio.io/requestauthentications":       "security.istio.io RequestAuthentication",
		"extensions.istio.io/wasmplugins":                "extensions.istio.io WasmPlugin",
		"telemetry.istio.io/telemetries":                 "telemetry.istio.io Telemetry",
		"networking.istio.io/serviceentries":             "networking.istio.io ServiceEntry",
		"security.istio.io/authorizationpolicies":        "security.istio.io AuthorizationPolicy",
		"security.istio.io/peerauthentications":          "security.istio.io PeerAuthentication",
	}
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// maxObject bounds one object's YAML, maxObjects that of a file, in bytes, and
// maxCount how many a file may have: of real ones those bytes hold fewer.
const (
	maxObject  = 4 << 20
	maxObjects = 128 << 20
	maxCount   = 50_000
)

var errNoObjects = errors.New("no list of objects")

// list is the objects of one resource in one file. Each stands at the index
// that it has in the file, null where that is another resource's.
type list struct {
	pods []pod // of them, the mesh's own
	text bytes.Buffer
	n    int
}

func (l *list) add(index int, o map[string]any) error {
	encoded, err := json.Marshal(o)
	if err != nil {
		return err
	}
	for ; l.n < index; l.n++ {
		l.text.WriteString("null,")
	}
	l.text.Write(encoded)
	l.text.WriteByte(',')
	l.n++
	if o["kind"] == "Pod" {
		if found := podOf(o); found.kind != "" {
			l.pods = append(l.pods, found)
		}
	}
	return nil
}

func (l *list) reader() io.Reader {
	return strings.NewReader(`{"items":[` + strings.TrimSuffix(l.text.String(), ",") + `]}`)
}

// readObjects reads a List as kubectl prints it, object by object, or a
// single object. What could be read before an error is given beside it.
func readObjects(r io.Reader, seen map[string]bool) (map[string]*list, error) {
	lists := map[string]*list{}
	kinds := map[string]string{}
	for resource, kind := range resourceKinds() {
		kinds[kind] = resource
	}
	index := 0
	take := func(doc []byte) error {
		o, err := object(doc)
		if err != nil {
			return err
		}
		group, _, _ := strings.Cut(text(o, "apiVersion"), "/") // any version of a group reads the same here
		resource := kinds[group+" "+text(o, "kind")]
		meta := part(o, "metadata")
		id := resource + " " + text(meta, "namespace") + "/" + text(meta, "name")
		at := index
		index++
		if resource == "" || seen[id] {
			return nil
		}
		seen[id] = true
		if lists[resource] == nil {
			lists[resource] = &list{}
		}
		// What a bundle would not hold of an object is not looked at here either.
		group, plural, _ := strings.Cut(resource, "/")
		if _, ok := redact.Object(group, plural, o); !ok {
			return nil
		}
		return lists[resource].add(at, o)
	}
	return lists, eachObject(bufio.NewReaderSize(io.LimitReader(r, maxObjects), 64<<10), take)
}

// eachObject splits a file at the places where kubectl begins an item.
func eachObject(in *bufio.Reader, take func(doc []byte) error) error {
	var doc bytes.Buffer
	var errs []error
	inItems, single, total, count := false, false, 0, 0
	flush := func() {
		if doc.Len() > 0 {
			count++
			if err := take(doc.Bytes()); err != nil {
				errs = append(errs, err)
			}
		}
		doc.Reset()
	}
	for n := 0; ; n++ {
		line, err := readLine(in)
		total += len(line)
		switch {
		case n == 0 && !bytes.HasPrefix(line, []byte("apiVersion:")) && !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("kind:")) && !bytes.HasPrefix(line, []byte("metadata:")) && !bytes.HasPrefix(line, []byte("items:")):
			return errNoObjects
		case bytes.HasPrefix(line, []byte("items:")):
			inItems, single = true, false
			doc.Reset()
		case inItems && bytes.HasPrefix(line, []byte("- ")):
			flush()
			doc.WriteString("  ")
			doc.Write(line[2:])
		case inItems && bytes.HasPrefix(line, []byte("  ")):
			doc.Write(line)
		case inItems && len(bytes.TrimSpace(line)) == 0:
			doc.Write(line)
		case inItems:
			flush()
			inItems = false
		default:
			single = true
			doc.Write(line)
		}
		if doc.Len() > maxObject {
			return errors.Join(append(errs, fmt.Errorf("line %d: an object of over %d MB", n+1, maxObject>>20))...)
		}
		if count >= maxCount {
			return errors.Join(append(errs, fmt.Errorf("line %d: more than %d objects", n+1, maxCount))...)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	if inItems || single && !isList(doc.Bytes()) {
		flush()
	}
	if total >= maxObjects {
		errs = append(errs, fmt.Errorf("only its first %d MB were read", maxObjects>>20))
	}
	if len(errs) > 3 {
		errs = append(errs[:3], fmt.Errorf("and %d errors more", len(errs)-3))
	}
	return errors.Join(errs...)
}

// readLine reads a line, and of one that no object has as much as tells so.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for len(line) <= maxObject {
		piece, err := in.ReadSlice('\n')
		line = append(line, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
	return line, nil
}

// isList is true of what stands around a list's items.
func isList(doc []byte) bool { return bytes.Contains(doc, []byte("kind: List")) }

func object(doc []byte) (o map[string]any, err error) {
	if err := yaml.Unmarshal(doc, &o); err != nil {
		return nil, err
	}
	return o, nil
}
