package mesh

import "strings"

// aboutPod is the pod that a line names: by its span or fields, by a uid, or
// in its text as "<ns>/<name>" or uid. A line of an agent's own is not about the agent.
func aboutPod(m *Mesh, l *Log) *Pod {
	if p := m.index.podByName[l.About]; p != nil {
		return p
	}
	if p := m.index.podByUID[l.Fields["uid"]]; p != nil {
		return p
	}
	if l.Component == "istiod" {
		return nil
	}
	const words = 40
	n := 0
	for word := range strings.FieldsFuncSeq(l.Message, func(r rune) bool { return strings.ContainsRune(" ,;()\"'=[]", r) }) {
		if n++; n > words {
			break
		}
		word = strings.TrimRight(word, ":.")
		if p := m.index.podByName[word]; p != nil && p != l.Pod {
			return p
		}
		if p := m.index.podByUID[word]; p != nil {
			return p
		}
	}
	return nil
}

// joinLogs ties log messages to what wrote them.
func joinLogs(m *Mesh) {
	istiods := map[string]*Istiod{}
	for _, i := range m.Istiods {
		istiods[i.Namespace+"/"+i.Name] = i
	}
	for _, l := range m.Logs {
		key := l.Namespace + "/" + l.PodName
		l.Pod = m.index.podByName[key]
		l.AboutPod = aboutPod(m, l)
		switch l.Component {
		case "ztunnel":
			l.Ztunnel = m.index.ztunnelPod[key]
			l.AfterStart = l.Ztunnel == nil || !l.Last.Before(l.Ztunnel.StartedAt)
		case "istio-cni":
			l.Ztunnel = m.index.ztunnels[l.NodeName]
			if n := m.index.nodes[l.NodeName]; n != nil {
				l.CNI = n.CNI
			}
			l.AfterStart = !l.Previous
		case "istiod":
			l.Istiod = istiods[key]
			l.AfterStart = !l.Previous
		}
	}
}
