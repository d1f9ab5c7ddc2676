package sim

import (
	"fmt"
	"strings"
	"time"
)

// access is one connection as one side's ztunnel saw it.
type access struct {
	at       time.Time
	inbound  bool
	early    bool // refused before it was attributed: no metric, few fields
	src      *meshPod
	srcAddr  string
	dst      *meshPod // nil when the ztunnel doesn't know it
	dstAddr  string
	hbone    string // the :authority of an HBONE call
	service  *meshService
	mutual   bool // both identities are printed
	request  int64
	response int64
	millis   int
	err      string
	flag     string // response_flags when it closed
}

// note logs and counts the connection at z.
func (z *ztunnel) note(a access) {
	z.lines = append(z.lines, a.line(z.family))
	if a.err != "" && a.src != nil {
		z.mesh.broken = append(z.mesh.broken, failedCall{a.at, a.src, a.dst, a.dstAddr})
	}
	if !a.early {
		z.series.count(a, z.family)
	}
}

// line renders the record, ztunnel src/proxy/metrics.rs access_log!.
func (a access) line(f family) logLine {
	direction := choose(a.inbound, "inbound", "outbound")
	if a.early {
		return record(a.at, "warn", "access", "connection failed",
			fmt.Sprintf("src.addr=%s dst.addr=%s direction=%q error=%q", a.srcAddr, a.dstAddr, direction, a.err))
	}
	var fields strings.Builder
	fmt.Fprintf(&fields, "src.addr=%s", a.srcAddr)
	a.peer(&fields, "src", a.src, f)
	fmt.Fprintf(&fields, " dst.addr=%s", a.dstAddr)
	if a.hbone != "" {
		fmt.Fprintf(&fields, " dst.hbone_addr=%s", a.hbone)
	}
	if a.service != nil {
		fmt.Fprintf(&fields, " dst.service=%q", a.service.hostname())
	}
	a.peer(&fields, "dst", a.dst, f)
	sent, received := a.request, a.response
	if a.inbound {
		sent, received = received, sent
	}
	fmt.Fprintf(&fields, " direction=%q bytes_sent=%d bytes_recv=%d duration=\"%dms\"", direction, sent, received, a.millis)
	level := "info"
	if a.err != "" {
		level = "error"
		fmt.Fprintf(&fields, " error=%q", a.err)
	}
	return record(a.at, level, "access", "connection complete", fields.String())
}

func (a access) peer(fields *strings.Builder, side string, p *meshPod, f family) {
	if p == nil {
		return
	}
	fmt.Fprintf(fields, " %s.workload=%q %s.namespace=%q", side, p.name, side, p.namespace)
	if a.mutual {
		fmt.Fprintf(fields, " %s.identity=%q", side, p.identity())
	}
	if f.accessClusters() {
		fmt.Fprintf(fields, " %s.cluster=%q", side, p.cluster)
	}
}
