package mesh

// InPod is one entry of a ztunnel's workloadState: a pod that the CNI agent handed to it.
type InPod struct {
	PodUID         string   `expr:"podUid"`
	State          string   `expr:"state"` // "Up" or "Pending"
	Namespace      string   `expr:"namespace"`
	Name           string   `expr:"name"`
	ServiceAccount string   `expr:"serviceAccount"`
	Ztunnel        *Ztunnel `expr:"ztunnel"`
	Pod            *Pod     `expr:"pod"` // nil where Kubernetes has no pod of that uid
	// StartError is the newest failure to start its proxy, from the log.
	StartError  string `expr:"startError"`
	StartSource Evidence
	Source      Evidence
}

func (i *InPod) Subject() Subject { return podSubject(i.Namespace, i.Name, i.Ztunnel.NodeName) }

func (i *InPod) Refs() []string {
	return refs(i.Subject().Key(), i.Ztunnel.Subject().Key(), nodeKey(i.Ztunnel.NodeName))
}

func (i *InPod) Evidence() []Evidence { return evidence(i.Source, i.StartSource) }

// Gap has no say: where a ztunnel could not be read, its entries are not there to be asked.
func (i *InPod) Gap(string) (*Gap, bool) { return nil, false }
