package world

import (
	"fmt"
	"strings"
	"time"
)

// Access is one connection as one side's ztunnel saw it.
type Access struct {
	At       time.Time
	Inbound  bool
	Early    bool // refused before it was attributed: no metric, few fields
	Src      *Pod
	SrcAddr  string
	Dst      *Pod // nil when the ztunnel doesn't know it
	DstAddr  string
	HBONE    string // the :authority of an HBONE call
	Service  *Service
	Mutual   bool // both identities are printed
	Request  int64
	Response int64
	Millis   int
	Err      string
	Flag     string // response_flags when it closed
}

// Note logs and counts the connection at z.
func (z *Ztunnel) Note(a Access) {
	z.Lines = append(z.Lines, a.line(z.Family))
	if a.Err != "" && a.Src != nil {
		z.mesh.broken = append(z.mesh.broken, failedCall{a.At, a.Src, a.Dst, a.DstAddr})
	}
	if !a.Early {
		z.Series.Count(a, z.Family)
	}
}

// line renders the record, ztunnel src/proxy/metrics.rs access_log!.
func (a Access) line(f family) LogLine {
	direction := Choose(a.Inbound, "inbound", "outbound")
	if a.Early {
		return Record(a.At, "warn", "access", "connection failed",
			fmt.Sprintf("src.addr=%s dst.addr=%s direction=%q error=%q", a.SrcAddr, a.DstAddr, direction, a.Err))
	}
	var fields strings.Builder
	fmt.Fprintf(&fields, "src.addr=%s", a.SrcAddr)
	a.peer(&fields, "src", a.Src, f)
	fmt.Fprintf(&fields, " dst.addr=%s", a.DstAddr)
	if a.HBONE != "" {
		fmt.Fprintf(&fields, " dst.hbone_addr=%s", a.HBONE)
	}
	if a.Service != nil {
		fmt.Fprintf(&fields, " dst.service=%q", a.Service.Hostname())
	}
	a.peer(&fields, "dst", a.Dst, f)
	sent, received := a.Request, a.Response
	if a.Inbound {
		sent, received = received, sent
	}
	fmt.Fprintf(&fields, " direction=%q bytes_sent=%d bytes_recv=%d duration=\"%dms\"", direction, sent, received, a.Millis)
	level := "info"
	if a.Err != "" {
		level = "error"
		fmt.Fprintf(&fields, " error=%q", a.Err)
	}
	return Record(a.At, level, "access", "connection complete", fields.String())
}

func (a Access) peer(fields *strings.Builder, side string, p *Pod, f family) {
	if p == nil {
		return
	}
	fmt.Fprintf(fields, " %s.workload=%q %s.namespace=%q", side, p.Name, side, p.Namespace)
	if a.Mutual {
		fmt.Fprintf(fields, " %s.identity=%q", side, p.Identity())
	}
	if f.accessClusters() {
		fmt.Fprintf(fields, " %s.cluster=%q", side, p.cluster)
	}
}
