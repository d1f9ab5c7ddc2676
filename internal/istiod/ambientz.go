package istiod

import (
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// Workload, Service and Policy are as a ztunnel of the newest version would
// hold them, defaults filled in (see ztunnel's FillDefaults). Endpoints are
// those that the workloads of the same answer give a service.
type (
	Workload = ztunnel.Workload
	Service  = ztunnel.Service
	Policy   = ztunnel.Policy
)

// Ambientz is /debug/ambientz (from 1.23): all that istiod sends to ztunnels.
type Ambientz struct {
	Workloads []Workload
	Services  []Service
	Policies  []Policy
}

// VisitAmbientz reads /debug/ambientz and hands each workload to visit, in
// place of keeping them all where there is one. The workload is visit's for as long as it runs,
// its lists for good; an error ends the reading.
func VisitAmbientz(r io.Reader, visit func(*Workload) error) (*Ambientz, error) {
	b := builder{visit: visit}
	answer := struct {
		Workloads elements[protoWorkload] `json:"workloads"`
		Services  elements[protoService]  `json:"services"`
		Policies  elements[protoPolicy]   `json:"policies"`
	}{
		func(i int, w *protoWorkload) error { return b.workload(w, pointer("workloads", i)) },
		func(i int, s *protoService) error { b.service(s, pointer("services", i)); return nil },
		func(i int, p *protoPolicy) error { b.policy(p, pointer("policies", i)); return nil },
	}
	if err := read(r, "ambientz", &answer); err != nil {
		return nil, err
	}
	b.endpoints()
	return &b.out, nil
}

// elements takes those of a list one by one.
type elements[T any] func(i int, v *T) error

// maxElements bounds a list, which may cost a hundred times its text in
// memory: Kubernetes takes clusters of up to 150,000 pods.
const maxElements = 160_000

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (e *elements[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		var none []T
		return json.UnmarshalDecode(dec, &none)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		if i == maxElements {
			return fmt.Errorf("a list has more than %d elements, which no mesh has", maxElements)
		}
		var v T
		if err := json.UnmarshalDecode(dec, &v); err != nil {
			return err
		}
		if err := (*e)(i, &v); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// ConfigDump is /debug/config_dump?proxyID=<ztunnel>.
type ConfigDump struct {
	Ambientz
	// Empty is true of "{}", which istiod answers from 1.25 on whatever it has
	// sent: it says nothing.
	Empty bool
	// Unknown are the types of resources other than addresses and policies.
	Unknown []string
}

// ReadConfigDump reads /debug/config_dump?proxyID=…, with or without
// &types=wads. The lab reads with it what a real istiod sends.
func ReadConfigDump(r io.Reader) (*ConfigDump, error) {
	var answer struct {
		Configs []jsontext.Value `json:"configs"`
	}
	if err := read(r, "config_dump", &answer); err != nil {
		return nil, err
	}
	b := builder{}
	out := &ConfigDump{Empty: len(answer.Configs) == 0}
	for i, raw := range answer.Configs {
		unknown, err := b.resource(raw, pointer("configs", i))
		if err != nil {
			return nil, fmt.Errorf("read istiod's answer of /debug/config_dump: %s: %w", pointer("configs", i), err)
		}
		if unknown != "" {
			out.Unknown = append(out.Unknown, unknown)
		}
	}
	b.endpoints()
	out.Ambientz = b.out
	return out, nil
}

// resource adds one config by its type; unknown is a type that has no place here.
func (b *builder) resource(raw jsontext.Value, pointer string) (unknown string, err error) {
	var address struct {
		Type     string         `json:"@type"`
		Workload *protoWorkload `json:"workload"`
		Service  *protoService  `json:"service"`
	}
	opts := rawjson.Lenient()
	if err := json.Unmarshal(raw, &address, opts); err != nil {
		return "", err
	}
	switch {
	case address.Type == TypeAuthorization:
		var p protoPolicy
		if err := json.Unmarshal(raw, &p, opts); err != nil {
			return "", err
		}
		b.policy(&p, pointer)
	case address.Workload != nil:
		return "", b.workload(address.Workload, pointer+"/workload")
	case address.Service != nil:
		b.service(address.Service, pointer+"/service")
	default:
		return address.Type, nil
	}
	return "", nil
}

func pointer(section string, i int) string { return "/" + section + "/" + strconv.Itoa(i) }
