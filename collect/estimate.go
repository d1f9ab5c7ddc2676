package collect

import (
	"bytes"
	"path"
	"time"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
)

// What answers weigh, roughly. They are guesses to plan by, on the safe side.
const (
	// workloadBytes is one workload in a ztunnel's config dump (14.2 MB of
	// 15,000) or in istiod's ambientz.
	workloadBytes = 950
	metricsBytes  = 512 * kb
	smallBytes    = 4 * kb
	// objectShare is what all objects but pods weigh, in lists of pods.
	objectShare = 1.5
	// logShare is how much less a log has than may be taken of it, lineBytes a line of one.
	logShare  = 4
	lineBytes = 400
	// proxyBytes is what istiod says of each of its connections.
	proxyBytes = 512
	// bytesPerSecond is what port-forward through one API server moves.
	bytesPerSecond = 40 * mb
)

// workloads is how many istiod sends to each ztunnel: by its own count once
// it has answered, until then by the number of pods.
func (b *budget) workloads() int64 {
	return max(int64(b.survey.pods), b.observed.workloads())
}

func (b *budget) dumpBytes() int64     { return b.workloads()*workloadBytes + 64*kb }
func (b *budget) ambientzBytes() int64 { return b.workloads() * workloadBytes }

// estimate is how many bytes a task is expected to bring.
func (b *budget) estimate(task task, t target) int64 {
	n := int64(smallBytes)
	switch {
	case task.id == podsTask:
		n = b.survey.podBytes
	case task.form == asList, task.form == asNames:
		n = int64(objectShare * float64(b.survey.podBytes) / float64(len(objectTasks)))
	case task.form == asDump:
		n = b.dumpBytes()
	case task.form == podLog, task.form == podLogOld:
		n = b.logBytes(t) / logShare
		if b.opts.Tail > 0 {
			n = min(n, int64(b.opts.Tail)*lineBytes)
		}
	case layout.FirstTask(task.id) == ambientTask:
		n = b.ambientzBytes()
	case task.form == asIs && task.kind == kindIstiod && task.port == istio.IstiodMonitoringPort && task.path != "/version" && task.path != "/metrics", task.form == perProxy:
		n += b.survey.ztunnels * proxyBytes
	case path.Base(task.file) == layout.Metrics:
		n = metricsBytes
	}
	return min(n, task.limit)
}

// duration is how long so many requests and bytes take at the rates of this run.
func duration(requests int, bytes int64) time.Duration {
	byRate := time.Duration(max(requests-requestBurst, 0)) * time.Second / requestsPerSecond
	byBytes := time.Duration(float64(bytes) / bytesPerSecond * float64(time.Second))
	return max(byRate, byBytes)
}

// workloadCounter counts the workloads of an ambientz answer as it goes by:
// of all that stands in it only they have a uid.
type workloadCounter struct {
	n    int64
	tail []byte
}

var uidKey = []byte(`"uid":`)

func (c *workloadCounter) Write(p []byte) (int, error) {
	// A key may be cut in two by the end of a piece.
	seam := append(c.tail, p[:min(len(p), len(uidKey)-1)]...)
	c.n += int64(bytes.Count(seam, uidKey) + bytes.Count(p, uidKey))
	if len(p) >= len(uidKey)-1 {
		c.tail = append(c.tail[:0], p[len(p)-len(uidKey)+1:]...)
	} else {
		c.tail = append(c.tail[:0], seam[max(len(seam)-len(uidKey)+1, 0):]...)
	}
	return len(p), nil
}
