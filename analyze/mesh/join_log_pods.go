package mesh

import "time"

// joinLogPods tells of the lines and events about a pod whether it is gone, and whether its
// traffic has gone through its ztunnel since.
func joinLogPods(m *Mesh) {
	known := len(m.Gaps(InputPods)) == 0
	works := map[*Pod]time.Time{}
	for _, f := range m.Flows {
		if f.Class != "" || !f.HBONE || f.Origin != "access-log" {
			continue
		}
		if p := f.Source.Pod; f.AtSource && p != nil && f.Last.After(works[p]) {
			works[p] = f.Last
		}
		if p := f.Destination.Pod; f.AtDestination && p != nil && f.Last.After(works[p]) {
			works[p] = f.Last
		}
	}
	for _, l := range m.Logs {
		l.AboutGone = known && l.About != "" && l.AboutPod == nil
		l.AboutWorks = l.AboutPod != nil && works[l.AboutPod].After(l.Last)
	}
	for _, e := range m.Events {
		e.Gone = known && e.Kind == "Pod" && e.Pod == nil
	}
}
