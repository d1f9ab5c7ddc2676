package ztunnel

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Messages and target of access records (istio/ztunnel src/proxy/metrics.rs).
const (
	accessTarget    = "access"
	openedMessage   = "connection opened"
	completeMessage = "connection complete"
	failedMessage   = "connection failed"
)

// AccessEvent is what an access record tells of a connection.
type AccessEvent string

const (
	Opened   AccessEvent = "opened"   // at debug only
	Complete AccessEvent = "complete" // ended, with or without an error
	Failed   AccessEvent = "failed"   // denied before it had workloads: addresses, direction and error only
)

// Values of [Access].Direction.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
)

// Access is one access record. What the record lacks is empty; addresses that
// are no IP and port are zero, and [Record.Get] still has their text.
type Access struct {
	Event AccessEvent
	Level string // "error" marks a complete record with an Error
	Time  time.Time
	Line  int

	// SrcAddr is, outbound, the application's socket; inbound the socket of a
	// tunnel that many calls share. DstAddr is the real peer, port 15008 for
	// HBONE. HBONEAddr is the target inside the tunnel, HBONEHost the same
	// ("<host>:<port>") where it goes by hostname.
	SrcAddr, DstAddr, HBONEAddr netip.AddrPort
	HBONEHost                   string

	// The identities are those expected; on an error nobody need have shown them.
	// The clusters are there from 1.31.
	SrcWorkload, SrcNamespace, SrcIdentity, SrcCluster             string
	DstWorkload, DstNamespace, DstIdentity, DstCluster, DstService string
	Direction                                                      string
	// BytesSent and BytesRecv are as the record's own pod sees them.
	BytesSent, BytesRecv int64
	Duration             time.Duration
	Error                string
}

// Access reads an access record; ok is false for every other record.
func (r *Record) Access() (a Access, ok bool) {
	if r.Target != accessTarget {
		return a, false
	}
	switch r.Message {
	case completeMessage:
		a.Event = Complete
	case failedMessage:
		a.Event = Failed
	case openedMessage:
		a.Event = Opened
	default:
		return a, false
	}
	a.Level, a.Time, a.Line = r.Level, r.Time, r.Line
	for i := range r.Fields {
		a.set(r.Fields[i].Key, r.Fields[i].Value)
	}
	return a, true
}

// set stores one field; false means that the key is not known.
func (a *Access) set(key, value string) bool {
	switch key {
	case "src.addr":
		a.SrcAddr = addrPort(value)
	case "src.workload":
		a.SrcWorkload = value
	case "src.namespace":
		a.SrcNamespace = value
	case "src.identity":
		a.SrcIdentity = value
	case "src.cluster":
		a.SrcCluster = value
	case "dst.addr":
		a.DstAddr = addrPort(value)
	case "dst.hbone_addr", "hbone_addr": // early 1.22 builds print the latter
		if a.HBONEAddr = addrPort(value); !a.HBONEAddr.IsValid() {
			a.HBONEHost = value
		}
	case "dst.service":
		a.DstService = value
	case "dst.workload":
		a.DstWorkload = value
	case "dst.namespace":
		a.DstNamespace = value
	case "dst.identity":
		a.DstIdentity = value
	case "dst.cluster":
		a.DstCluster = value
	case "direction":
		a.Direction = value
	case "bytes_sent":
		a.BytesSent = number(value)
	case "bytes_recv":
		a.BytesRecv = number(value)
	case "duration":
		a.Duration = milliseconds(value)
	case "error":
		a.Error = value
	default:
		return false
	}
	return true
}

// addrPort reads "<ip>:<port>", an IPv4-mapped address as IPv4.
func addrPort(s string) netip.AddrPort {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// number is 0 for what is none: a count that overflows says nothing.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// milliseconds reads "<N>ms", which is all that ztunnel prints.
func milliseconds(s string) time.Duration {
	return time.Duration(number(strings.TrimSuffix(s, "ms"))) * time.Millisecond
}
