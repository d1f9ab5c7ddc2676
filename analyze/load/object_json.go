package load

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/rawjson"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// The parts of Kubernetes objects that the model is made of
// (kubernetes/api core/v1, apps/v1, discovery/v1; gateway-api apis/v1). The
// analyzer does without Kubernetes' own packages to stay small.

type metadata struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	CreationTimestamp time.Time         `json:"creationTimestamp"`
	DeletionTimestamp time.Time         `json:"deletionTimestamp"`
	OwnerReferences   []struct {
		Kind       string `json:"kind"`
		Name       string `json:"name"`
		Controller bool   `json:"controller"`
	} `json:"ownerReferences"`
}

type condition struct {
	Type               string    `json:"type"`
	Status             string    `json:"status"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
}

func conditions(list []condition) map[string]mesh.Condition {
	out := make(map[string]mesh.Condition, len(list))
	for _, c := range list {
		out[c.Type] = mesh.Condition{Status: c.Status, Reason: c.Reason, Message: c.Message}
	}
	return out
}

type namespaceObject struct {
	Metadata metadata `json:"metadata"`
}

// becameReady is the status of condition Ready, and since when it is that.
func becameReady(list []condition) (ready bool, since time.Time) {
	for _, c := range list {
		if c.Type == "Ready" {
			return c.Status == "True", c.LastTransitionTime
		}
	}
	return false, time.Time{}
}

type nodeObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Unschedulable bool `json:"unschedulable"`
		Taints        []struct {
			Key    string `json:"key"`
			Effect string `json:"effect"`
		} `json:"taints"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
		Addresses  []struct {
			Type    string `json:"type"`
			Address string `json:"address"`
		} `json:"addresses"`
		NodeInfo struct {
			BootID          string `json:"bootID"`
			OperatingSystem string `json:"operatingSystem"`
			KubeletVersion  string `json:"kubeletVersion"`
			OSImage         string `json:"osImage"`
		} `json:"nodeInfo"`
	} `json:"status"`
}

type containerObject struct {
	Name  string   `json:"name"`
	Image string   `json:"image"`
	Args  []string `json:"args"`
	Env   []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"env"`
	Ports []struct {
		Name          string `json:"name"`
		ContainerPort int    `json:"containerPort"`
	} `json:"ports"`
	Resources struct {
		Limits map[string]jsontext.Value `json:"limits"`
	} `json:"resources"`
	SecurityContext securityContext `json:"securityContext"`
	LivenessProbe   *probeObject    `json:"livenessProbe"`
	ReadinessProbe  *probeObject    `json:"readinessProbe"`
	StartupProbe    *probeObject    `json:"startupProbe"`
}

type securityContext struct {
	RunAsUser *int64 `json:"runAsUser"`
}

// probeObject is a probe that the kubelet makes over the network.
type probeObject struct {
	HTTPGet   *probeTarget `json:"httpGet"`
	TCPSocket *probeTarget `json:"tcpSocket"`
	GRPC      *probeTarget `json:"grpc"`
}

type probeTarget struct {
	Port jsontext.Value `json:"port"`
}

type terminated struct {
	Reason     string    `json:"reason"`
	ExitCode   int       `json:"exitCode"`
	FinishedAt time.Time `json:"finishedAt"`
}

type containerStatus struct {
	Name         string `json:"name"`
	Image        string `json:"image"`
	Ready        bool   `json:"ready"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Running *struct {
			StartedAt time.Time `json:"startedAt"`
		} `json:"running"`
		Waiting *struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"waiting"`
		Terminated *terminated `json:"terminated"`
	} `json:"state"`
	LastState struct {
		Terminated *terminated `json:"terminated"`
	} `json:"lastState"`
}

type podObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		NodeName           string            `json:"nodeName"`
		ServiceAccountName string            `json:"serviceAccountName"`
		HostNetwork        bool              `json:"hostNetwork"`
		GracePeriod        *float64          `json:"terminationGracePeriodSeconds"`
		Containers         []containerObject `json:"containers"`
		InitContainers     []containerObject `json:"initContainers"`
		SecurityContext    securityContext   `json:"securityContext"`
	} `json:"spec"`
	Status struct {
		Phase      string      `json:"phase"`
		PodIP      string      `json:"podIP"`
		StartTime  time.Time   `json:"startTime"`
		Conditions []condition `json:"conditions"`
		PodIPs     []struct {
			IP string `json:"ip"`
		} `json:"podIPs"`
		ContainerStatuses     []containerStatus `json:"containerStatuses"`
		InitContainerStatuses []containerStatus `json:"initContainerStatuses"`
	} `json:"status"`
}

type serviceObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Type                     string            `json:"type"`
		ClusterIP                string            `json:"clusterIP"`
		ClusterIPs               []string          `json:"clusterIPs"`
		Selector                 map[string]string `json:"selector"`
		PublishNotReadyAddresses bool              `json:"publishNotReadyAddresses"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type endpointSlice struct {
	Metadata  metadata `json:"metadata"`
	Endpoints []struct {
		Conditions struct {
			Ready *bool `json:"ready"`
		} `json:"conditions"`
		TargetRef *struct {
			Kind string `json:"kind"`
		} `json:"targetRef"`
	} `json:"endpoints"`
}

type daemonSetObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Template struct {
			Metadata metadata `json:"metadata"`
			Spec     struct {
				Containers []containerObject `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		DesiredNumberScheduled int `json:"desiredNumberScheduled"`
		CurrentNumberScheduled int `json:"currentNumberScheduled"`
		NumberReady            int `json:"numberReady"`
		NumberUnavailable      int `json:"numberUnavailable"`
		NumberMisscheduled     int `json:"numberMisscheduled"`
		UpdatedNumberScheduled int `json:"updatedNumberScheduled"`
	} `json:"status"`
}

type deploymentObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Replicas *int `json:"replicas"`
	} `json:"spec"`
}

type eventObject struct {
	Metadata       metadata `json:"metadata"`
	InvolvedObject struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"involvedObject"`
	Reason        string    `json:"reason"`
	Type          string    `json:"type"`
	Message       string    `json:"message"`
	Count         int       `json:"count"`
	LastTimestamp time.Time `json:"lastTimestamp"`
	EventTime     time.Time `json:"eventTime"`
}

type configMapObject struct {
	Metadata metadata          `json:"metadata"`
	Data     map[string]string `json:"data"`
}

// objectList is a list of objects of one kind, as the API server answers it.
type objectList struct {
	io.Reader
	file string
	each func(raw jsontext.Value, at mesh.Evidence) // is shown each object as it is written
}

// items reads a list's items one by one, each with its place in the file. An
// item of another form than expected is an error that does not end the list.
func items[T any](list objectList, fn func(T, mesh.Evidence)) error {
	dec := ztunnel.NewStreamDecoder(list)
	if dec.PeekKind() != '{' {
		return errNoItems
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	found := false
	var bad error
	for dec.PeekKind() == '"' {
		key, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if key.String() != "items" || dec.PeekKind() != '[' {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		found = true
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for i := 0; dec.PeekKind() != ']'; i++ {
			if i == mostItems {
				return fmt.Errorf("is a list of more than %d objects, which no cluster has", mostItems)
			}
			raw, err := dec.ReadValue()
			if err != nil {
				return err
			}
			if raw.Kind() == 'n' {
				continue // the place of another resource's object
			}
			var v T
			if err := json.Unmarshal(raw, &v, rawjson.Lenient()); err != nil {
				bad = fmt.Errorf("item %d: %w", i, err)
				continue
			}
			at := mesh.Evidence{File: list.file, Pointer: "/items/" + strconv.Itoa(i)}
			fn(v, at)
			list.each(raw, at)
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	if !found {
		return errNoItems
	}
	return bad
}

// imageTag is the tag of an image reference, "" for one by digest only.
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndexByte(image, '/')
	_, tag, _ := strings.Cut(image[slash+1:], ":")
	return tag
}
