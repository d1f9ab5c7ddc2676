package mesh

import (
	"strings"
	"time"
)

// Log is one distinct message of one container: the same level, target and
// text with the times it stood there. Access lines are flows, not logs.
type Log struct {
	Component string   `expr:"component"` // "ztunnel", "istiod", "istio-cni", "gateway"
	Namespace string   `expr:"namespace"`
	PodName   string   `expr:"podName"`
	NodeName  string   `expr:"nodeName"`
	Pod       *Pod     `expr:"pod"`
	Ztunnel   *Ztunnel `expr:"ztunnel"` // of the pod itself, or of the node for a CNI agent
	CNI       *CNI     `expr:"cni"`
	Istiod    *Istiod  `expr:"istiod"`
	Level     string   `expr:"level"`  // "error", "warn", "info", …
	Target    string   `expr:"target"` // "xds::client"
	// About is the workload of the line's span, "<ns>/<pod>", or "".
	About string `expr:"about"`
	// AboutPod is the pod that the line's span, fields or text name; nil for none, and for one that is gone.
	AboutPod *Pod `expr:"aboutPod"`
	// AboutGone is true where the line's span or fields name a pod that is there no more; AboutWorks
	// is true where connections of AboutPod have gone over HBONE since the last of these lines.
	AboutGone   bool              `expr:"aboutGone"`
	AboutWorks  bool              `expr:"aboutWorks"`
	Message     string            `expr:"message"`
	Fields      map[string]string `expr:"fields"`
	Count       int               `expr:"count"`
	First       time.Time         `expr:"first"`
	Last        time.Time         `expr:"last"`
	LastSeconds float64           `expr:"lastSeconds"`
	// SpanSeconds is how long there was from the first to the last.
	SpanSeconds float64 `expr:"spanSeconds"`
	// Previous is true where it stands in the log of the container before its restart.
	Previous bool `expr:"previous"`
	// AfterStart is true where the last of them came after the process's last start.
	AfterStart bool `expr:"afterStart"`
	Source     Evidence
}

func (l *Log) Subject() Subject { return podSubject(l.Namespace, l.PodName, l.NodeName) }

func (l *Log) Refs() []string {
	keys := []string{l.Subject().Key(), nodeKey(l.NodeName)}
	for _, text := range []string{l.Fields["id"], l.Message} {
		keys = append(keys, identityIn(text))
	}
	if ns, name, ok := strings.Cut(l.About, "/"); ok {
		keys = append(keys, podKey(ns, name))
	}
	if l.AboutPod != nil {
		keys = append(keys, l.AboutPod.Subject().Key())
	}
	return refs(keys...)
}

func (l *Log) Evidence() []Evidence { return evidence(l.Source) }

// Gap has no say: of a log that could not be read no line is there to be asked.
func (l *Log) Gap(string) (*Gap, bool) { return nil, false }
