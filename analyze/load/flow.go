package load

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// evidencesKept bounds the lines that a finding shows of equal connections.
const evidencesKept = 3

// observationKey tells which access records of one ztunnel are one observation.
type observationKey struct {
	inbound        bool
	source, dest   netip.Addr
	port           uint16
	target         netip.AddrPort
	sourceName     string
	destName       string
	service        string
	hbone          bool
	class          ztunnel.ErrorClass
	policy, origin string
}

var errFlows = fmt.Errorf("more connections that differ than the %d of one log, or the %d of all; others were left out", mostFlows, mostObservations)

// flows gathers one ztunnel's observations while its log streams by.
type flows struct {
	z  *mesh.Ztunnel
	by map[observationKey]*tally
	in []*mesh.Observation // in order of appearance
	// aftermaths follow each failure's pair to the end of the log.
	aftermaths aftermaths
	// room is how many more may differ; err is set when one did not fit.
	room int
	err  error
}

func newFlows(z *mesh.Ztunnel, room int) *flows {
	return &flows{z: z, by: map[observationKey]*tally{}, room: room, aftermaths: newAftermaths()}
}

func (fl *flows) access(a *ztunnel.Access, raw, file string) {
	if a.Event == ztunnel.Opened {
		return
	}
	for _, s := range []*string{
		&a.SrcWorkload, &a.SrcNamespace, &a.SrcIdentity, &a.DstWorkload, &a.DstNamespace, &a.DstIdentity, &a.DstService,
	} {
		*s = clip(*s, keptName)
	}
	k := observationKey{
		inbound: a.Direction == ztunnel.Inbound, source: a.SrcAddr.Addr(), service: a.DstService,
		class: ztunnel.ClassifyError(a.Direction, a.Error), origin: "access-log",
	}
	if a.SrcWorkload != "" {
		k.sourceName = a.SrcNamespace + "/" + a.SrcWorkload
	}
	if a.DstWorkload != "" {
		k.destName = a.DstNamespace + "/" + a.DstWorkload
	}
	k.place(a)
	if k.class == ztunnel.PolicyDenied {
		policy, _ := ztunnel.DeniedBy(a.Error)
		k.policy = clip(policy, keptName)
	}
	o := fl.by[k]
	if o == nil {
		if len(fl.in) >= fl.room {
			fl.err = fmt.Errorf("line %d: %w", a.Line, errFlows)
			return
		}
		o = fl.open(k, a)
	}
	o.outcome(a.Time)
	o.Count++
	o.Sent += a.BytesSent
	o.Received += a.BytesRecv
	if a.Time.After(o.Last) {
		o.Last = a.Time
	}
	lines, length := evidencesKept, keptLine
	if k.class == "" && k.hbone {
		lines, length = 1, keptGoodLine
	}
	if len(o.Evidences) < lines {
		o.Evidences = append(o.Evidences, mesh.Evidence{File: file, Line: a.Line, Text: strings.Clone(clip(raw, length))})
	}
}

// place finds the destination's own address and port. Of a connection that
// was denied early only the address that was dialled is known.
func (k *observationKey) place(a *ztunnel.Access) {
	k.hbone = a.HBONEAddr.IsValid() || a.HBONEHost != "" || a.DstAddr.Port() == istio.HBONEPort
	switch {
	case a.HBONEAddr.IsValid():
		k.dest, k.port = a.HBONEAddr.Addr(), a.HBONEAddr.Port()
	case k.inbound || a.Event == ztunnel.Complete:
		k.dest, k.port = a.DstAddr.Addr(), a.DstAddr.Port()
		if k.port == istio.HBONEPort {
			k.port = 0
		}
	default:
		k.target = a.DstAddr
	}
}

func (fl *flows) open(k observationKey, a *ztunnel.Access) *tally {
	own := func(s string) string { return unique.Make(s).Value() }
	o := &mesh.Observation{
		Ztunnel: fl.z, Inbound: k.inbound, Origin: k.origin, Port: int(k.port), HBONE: k.hbone,
		Service: own(k.service), Class: string(k.class), Error: own(clip(a.Error, keptText)), Policy: own(k.policy),
		Source: mesh.Name{Namespace: own(a.SrcNamespace), Name: own(a.SrcWorkload), Identity: own(a.SrcIdentity)},
		Dest:   mesh.Name{Namespace: own(a.DstNamespace), Name: own(a.DstWorkload), Identity: own(a.DstIdentity)},
		First:  a.Time, Last: a.Time,
	}
	if k.source.IsValid() {
		o.SourceIP = k.source.String()
	}
	if k.dest.IsValid() {
		o.DestIP = k.dest.String()
	}
	if k.target.IsValid() {
		o.Target = k.target.String()
	}
	// The key must not hold on to the line it was cut from.
	k.service, k.policy = o.Service, o.Policy
	k.sourceName, k.destName = own(k.sourceName), own(k.destName)
	t := fl.aftermaths.open(k, o)
	fl.by[k] = t
	fl.in = append(fl.in, o)
	return t
}

// connections makes flows of the open outbound connections of a dump: what
// goes in plain text right now. Inbound ones name no peer but its socket.
func (l *ztunnelReader) connections(t *ztunnelFiles, in *mesh.InPod, c *ztunnel.Connections, file string) {
	for i, conn := range c.Outbound[:min(len(c.Outbound), mostFlows, max(0, mostObservations-len(l.mesh.Observations)))] {
		if conn.Protocol == "" {
			continue // up to 1.24 the dump does not say how it goes
		}
		src, err1 := netip.ParseAddrPort(conn.Src)
		dst, err2 := netip.ParseAddrPort(conn.ActualDst)
		if err1 != nil || err2 != nil {
			continue
		}
		if string(conn.OriginalDst) == conn.ActualDst && conn.Protocol == "TCP" {
			// Connections that are still being set up look the same as plain ones.
			continue
		}
		port := int(dst.Port())
		if port == istio.HBONEPort {
			port = 0
		}
		l.mesh.Observations = append(l.mesh.Observations, &mesh.Observation{
			Ztunnel: t.z, Origin: "connections", SourceIP: src.Addr().String(), DestIP: dst.Addr().String(), Port: port,
			Source: mesh.Name{Namespace: in.Namespace, Name: in.Name}, HBONE: strings.HasSuffix(conn.Protocol, "HBONE"), Count: 1,
			Evidences: []mesh.Evidence{{
				File: file, Pointer: fmt.Sprintf("%s/connections/outbound/%d", in.Source.Pointer, i),
				Text: fmt.Sprintf("%s %s → %s", conn.Protocol, conn.Src, conn.ActualDst),
			}},
		})
	}
}

// sortObservations puts observations of all ztunnels in an order of their own.
func sortObservations(os []*mesh.Observation) {
	slices.SortStableFunc(os, func(a, b *mesh.Observation) int {
		if c := strings.Compare(a.Ztunnel.NodeName, b.Ztunnel.NodeName); c != 0 {
			return c
		}
		return a.First.Compare(b.First)
	})
}

// window widens [first, last] by t.
func window(first, last *time.Time, t time.Time) {
	if t.IsZero() {
		return
	}
	if first.IsZero() || t.Before(*first) {
		*first = t
	}
	if t.After(*last) {
		*last = t
	}
}
