package istiod

import (
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// ReadAmbientz reads /debug/ambientz.
func ReadAmbientz(r io.Reader) (*Ambientz, error) {
	var answer struct {
		Workloads []protoWorkload `json:"workloads"`
		Services  []protoService  `json:"services"`
		Policies  []protoPolicy   `json:"policies"`
	}
	if err := read(r, "ambientz", &answer); err != nil {
		return nil, err
	}
	b := builder{}
	for i := range answer.Services {
		b.service(&answer.Services[i], pointer("services", i))
	}
	for i := range answer.Workloads {
		b.workload(&answer.Workloads[i], pointer("workloads", i))
	}
	for i := range answer.Policies {
		b.policy(&answer.Policies[i], pointer("policies", i))
	}
	b.endpoints()
	return &b.out, nil
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

// ReadConfigDump reads /debug/config_dump?proxyID=…, with or without &types=wads.
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
	opts := json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
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
		b.workload(address.Workload, pointer+"/workload")
	case address.Service != nil:
		b.service(address.Service, pointer+"/service")
	default:
		return address.Type, nil
	}
	return "", nil
}

func pointer(section string, i int) string { return "/" + section + "/" + strconv.Itoa(i) }
