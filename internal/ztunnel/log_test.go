package ztunnel_test

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

// accessKeys as in istio/ztunnel src/proxy/metrics.rs, access_log!.
var accessKeys = strings.Fields(`src.addr src.workload src.namespace src.identity src.cluster dst.addr dst.hbone_addr
	dst.service dst.workload dst.namespace dst.identity dst.cluster direction bytes_sent bytes_recv duration error`)

func each(t testing.TB, r io.Reader, fn func(*ztunnel.Record)) {
	t.Helper()
	log := ztunnel.NewLogReader(r)
	for {
		record, err := log.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		fn(record)
	}
}

func TestEveryRecordedLogLineParses(t *testing.T) {
	for _, file := range recordings(t, "log.txt") {
		records, access := 0, 0
		each(t, bytes.NewReader(read(t, file)), func(r *ztunnel.Record) {
			records++
			if r.Level == "" || r.Time.IsZero() || r.Target == "" {
				t.Errorf("%s:%d: not a record: %.120s", file, r.Line, r.Raw)
			}
			a, ok := r.Access()
			if ok != (r.Target == "access") {
				t.Errorf("%s:%d: access %v for target %q", file, r.Line, ok, r.Target)
			}
			if !ok {
				return
			}
			access++
			for _, f := range r.Fields {
				if !slices.Contains(accessKeys, f.Key) {
					t.Errorf("%s:%d: unknown field %q", file, r.Line, f.Key)
				}
			}
			if !a.SrcAddr.IsValid() || !a.DstAddr.IsValid() || a.Direction != "inbound" && a.Direction != "outbound" {
				t.Errorf("%s:%d: incomplete: %+v", file, r.Line, a)
			}
			if class := ztunnel.ClassifyError(a.Direction, a.Error); class == ztunnel.Other {
				t.Errorf("%s:%d: no class for error %q", file, r.Line, a.Error)
			}
		})
		if records == 0 {
			t.Errorf("%s: no record", file)
		}
		if strings.Contains(file, "/healthy") && access == 0 {
			t.Errorf("%s: no access record", file)
		}
	}
}

func TestLogRecords(t *testing.T) {
	at := time.Date(2026, 11, 23, 6, 45, 23, 30417000, time.UTC)
	tests := []struct {
		name, line string
		want       ztunnel.Record
	}{{
		name: "span with braces, empty fields",
		line: "2026-11-23T06:45:23.030417Z\tinfo\txds::client:xds{id=1}\tStream established\t",
		want: ztunnel.Record{Time: at, Level: "info", Target: "xds::client", Message: "Stream established",
			Spans: []ztunnel.Span{{Name: "xds", Fields: []ztunnel.Field{{Key: "id", Value: "1"}}}}},
	}, {
		name: "two spans, colons in a value",
		line: "2026-11-23T06:45:23.030417Z\twarn\tstate:proxy{wl=a/b-1}:inbound{id=0af peer=10.0.0.1:42}\tskipping unknown policy a/p\t",
		want: ztunnel.Record{Time: at, Level: "warn", Target: "state", Message: "skipping unknown policy a/p",
			Spans: []ztunnel.Span{
				{Name: "proxy", Fields: []ztunnel.Field{{Key: "wl", Value: "a/b-1"}}},
				{Name: "inbound", Fields: []ztunnel.Field{{Key: "id", Value: "0af"}, {Key: "peer", Value: "10.0.0.1:42"}}},
			}},
	}, {
		name: "quoted, bare and escaped values",
		line: "2026-11-23T06:45:23.030417Z\terror\tztunnel::inpod\tm\tuid=abc type=Nack error=\"say \\\"no\\\"\\n\\u{7f}\" list=[\"x\"] path=a b key=c",
		want: ztunnel.Record{Time: at, Level: "error", Target: "inpod", Message: "m", Fields: []ztunnel.Field{
			{Key: "uid", Value: "abc"}, {Key: "type", Value: "Nack"}, {Key: "error", Value: "say \"no\"\n\x7f"},
			{Key: "list", Value: `["x"]`}, {Key: "path", Value: "a b"}, {Key: "key", Value: "c"}}},
	}, {
		name: "span without braces",
		line: "2026-11-23T06:45:23.030417Z\tinfo\tidentity::manager:fetch_certificate\tm\t",
		want: ztunnel.Record{Time: at, Level: "info", Target: "identity::manager", Message: "m", Spans: []ztunnel.Span{{Name: "fetch_certificate"}}},
	}, {
		name: "JSON with numbers and spans",
		line: `{"level":"warn","time":"2026-11-23T06:45:23.030417Z","scope":"ztunnel::xds::client","message":"m","n":5,"b":true,"xds":{"id":1}}`,
		want: ztunnel.Record{Time: at, Level: "warn", Target: "xds::client", Message: "m",
			Fields: []ztunnel.Field{{Key: "n", Value: "5"}, {Key: "b", Value: "true"}},
			Spans:  []ztunnel.Span{{Name: "xds", Fields: []ztunnel.Field{{Key: "id", Value: "1"}}}}},
	}, {
		name: "an error of 1.22 is bare and reaches to the end",
		line: "2026-11-23T06:45:23.030417Z\twarn\taccess\tconnection failed\tsrc.addr=10.0.0.1:5 error=no such thing: a=b c=d",
		want: ztunnel.Record{Time: at, Level: "warn", Target: "access", Message: "connection failed", Fields: []ztunnel.Field{
			{Key: "src.addr", Value: "10.0.0.1:5"}, {Key: "error", Value: "no such thing: a=b c=d"}}},
	}, {
		name: "the form before 1.22",
		line: "2026-11-23T06:45:23.030417Z  INFO ztunnel::proxy::inbound: got a CONNECT",
		want: ztunnel.Record{Time: at, Level: "info", Target: "proxy::inbound", Message: "got a CONNECT"},
	}, {
		name: "Istio's own form with a scope",
		line: "2026-11-23T06:45:23.030417Z\tinfo\tads\tPush debounce stable",
		want: ztunnel.Record{Time: at, Level: "info", Target: "ads", Message: "Push debounce stable"},
	}, {
		name: "Istio's own form without",
		line: "2026-11-23T06:45:23.030417Z\tinfo\tFLAG: --x=y",
		want: ztunnel.Record{Time: at, Level: "info", Message: "FLAG: --x=y"},
	}, {
		name: "JSON that breaks off is foreign",
		line: `{"level":"warn","time":"2026-11-23T06:45:23.030417Z","scope":"xds`,
		want: ztunnel.Record{Message: `{"level":"warn","time":"2026-11-23T06:45:23.030417Z","scope":"xds`},
	}, {
		name: "a foreign line is its own message",
		line: "panicked at src/main.rs:1",
		want: ztunnel.Record{Message: "panicked at src/main.rs:1"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Line, tt.want.Raw = 1, tt.line
			n := 0
			each(t, strings.NewReader(tt.line+"\n"), func(r *ztunnel.Record) {
				n++
				got := *r
				if len(got.Fields) == 0 {
					got.Fields = nil
				}
				if len(got.Spans) == 0 {
					got.Spans = nil
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
			if n != 1 {
				t.Errorf("%d records, want 1", n)
			}
		})
	}
}

func TestLinesThatContinueARecordAreCounted(t *testing.T) {
	head := "2026-11-23T06:45:23.030417Z\tinfo\t"
	text := head + "ztunnel\trunning with config: proxy: true\ndnsProxy: true\nargs:\n\n\t\n" +
		"thread 'main' panicked at src/main.rs:1\n" + head + "app\tone\tk=v\r\n" + head + "app\tcut: yes\nmore: 1\n" + head + "app\tlast\t"
	type row struct {
		Line, Continuation int
		Level, Message     string
	}
	var got []row
	each(t, strings.NewReader(text), func(r *ztunnel.Record) {
		got = append(got, row{r.Line, r.Continuation, r.Level, r.Message})
	})
	want := []row{
		{1, 4, "info", "running with config: proxy: true"}, {6, 0, "", "thread 'main' panicked at src/main.rs:1"},
		{7, 0, "info", "one"}, {8, 1, "info", "cut: yes"}, {10, 0, "info", "last"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAccess(t *testing.T) {
	head := "2026-11-23T06:45:23.030417Z\t"
	tests := []struct {
		name, line string
		want       ztunnel.Access
	}{{
		name: "a failed call with every field",
		line: head + `error	access	connection complete	src.addr=10.0.0.1:5 src.workload="c" src.namespace="n" src.identity="spiffe://td/ns/n/sa/c" src.cluster="K" dst.addr=[fd00::2]:15008 dst.hbone_addr=[fd00::2]:80 dst.service="s.n.svc" dst.workload="w" dst.namespace="m" dst.identity="spiffe://td/ns/m/sa/w" dst.cluster="L" direction="outbound" bytes_sent=12 bytes_recv=34 duration="56ms" error="http status: 503 Service Unavailable"`,
		want: ztunnel.Access{Event: ztunnel.Complete, Level: "error",
			SrcAddr: netip.MustParseAddrPort("10.0.0.1:5"), DstAddr: netip.MustParseAddrPort("[fd00::2]:15008"), HBONEAddr: netip.MustParseAddrPort("[fd00::2]:80"),
			SrcWorkload: "c", SrcNamespace: "n", SrcIdentity: "spiffe://td/ns/n/sa/c", SrcCluster: "K",
			DstWorkload: "w", DstNamespace: "m", DstIdentity: "spiffe://td/ns/m/sa/w", DstCluster: "L", DstService: "s.n.svc",
			Direction: ztunnel.Outbound, BytesSent: 12, BytesRecv: 34, Duration: 56 * time.Millisecond, Error: "http status: 503 Service Unavailable"},
	}, {
		name: "by hostname through the tunnel",
		line: head + `info	access	connection complete	src.addr=10.0.0.1:5 dst.hbone_addr=s.n.svc:80`,
		want: ztunnel.Access{Event: ztunnel.Complete, Level: "info", SrcAddr: netip.MustParseAddrPort("10.0.0.1:5"), HBONEHost: "s.n.svc:80"},
	}, {
		name: "JSON, opened, IPv4-mapped",
		line: `{"level":"debug","time":"2026-11-23T06:45:23.030417Z","scope":"access","message":"connection opened","src.addr":"[::ffff:10.0.0.1]:5","bytes_sent":1}`,
		want: ztunnel.Access{Event: ztunnel.Opened, Level: "debug", SrcAddr: netip.MustParseAddrPort("10.0.0.1:5"), BytesSent: 1},
	}, {
		name: "denied early",
		line: head + `warn	access	connection failed	src.addr=10.0.0.1:5 dst.addr=10.0.0.2:15008 direction="inbound" error="no"`,
		want: ztunnel.Access{Event: ztunnel.Failed, Level: "warn", SrcAddr: netip.MustParseAddrPort("10.0.0.1:5"),
			DstAddr: netip.MustParseAddrPort("10.0.0.2:15008"), Direction: ztunnel.Inbound, Error: "no"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Line, tt.want.Time = 1, time.Date(2026, 11, 23, 6, 45, 23, 30417000, time.UTC)
			each(t, strings.NewReader(tt.line), func(r *ztunnel.Record) {
				got, ok := r.Access()
				if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" || !ok {
					t.Errorf("access %v (-want +got):\n%s", ok, diff)
				}
			})
		})
	}
}

func TestAVeryLongLineIsCutAndTheNextIsRead(t *testing.T) {
	head := "2026-11-23T06:45:23.030417Z\tinfo\ta\t"
	text := head + strings.Repeat("x", 5<<20) + "\t\n" + head + "second\t\n"
	var messages []string
	each(t, strings.NewReader(text), func(r *ztunnel.Record) { messages = append(messages, r.Message[:6]) })
	if diff := cmp.Diff([]string{"xxxxxx", "second"}, messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestClassifyError(t *testing.T) {
	tests := []struct {
		direction, text string
		want            ztunnel.ErrorClass
	}{
		{"inbound", "connection closed due to policy rejection: allow policies exist, but none allowed", ztunnel.PolicyDenied},
		{"inbound", "connection closed due to policy rejection: explicitly denied by: istio-system/istio_converted_static_strict", ztunnel.PolicyDenied},
		{"inbound", "connection closed due to policy rejection", ztunnel.PolicyDenied},
		{"outbound", "http status: 401 Unauthorized", ztunnel.HTTP401},
		{"outbound", "http status: 503 Service Unavailable", ztunnel.HTTP503},
		{"outbound", "http status: 400 Bad Request", ztunnel.HTTP400},
		{"outbound", "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed", ztunnel.HBONETimeout},
		{"outbound", "io error: Connection refused (os error 111)", ztunnel.Refused},
		{"inbound", "connection failed: Connection refused (os error 111)", ztunnel.AppRefused},
		{"inbound", "connection failed: deadline has elapsed", ztunnel.AppTimeout},
		{"outbound", "io error: Connection reset by peer (os error 104)", ztunnel.Reset},
		{"outbound", "io error: tls handshake eof", ztunnel.HandshakeEOF},
		{"outbound", "io error: invalid peer certificate: BadSignature", ztunnel.UntrustedPeer},
		{"outbound", "io error: invalid peer certificate: Other(OtherError(identity verification error: peer did not present the expected SAN (spiffe://a), got spiffe://b))", ztunnel.SANMismatch},
		{"outbound", `io error: invalid peer certificate: Other(OtherError(SanError([Spiffe { trust_domain: "a" }])))`, ztunnel.SANMismatch},
		{"inbound", `tls handshake error: Custom { kind: InvalidData, error: InvalidCertificate(Other(OtherError(SanTrustDomainError("td", [])))) }`, ztunnel.TrustDomainMismatch},
		{"inbound", "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(DecryptError) }", ztunnel.TLSHandshake},
		{"outbound", "identity error: signing gRPC error (The service is currently unavailable): x", ztunnel.IdentityUnavailable},
		{"inbound", "signing error: workload is unknown: sa.ns (pod)", ztunnel.SigningError},
		{"outbound", "no healthy upstream: 10.96.0.1:80", ztunnel.NoHealthyUpstream},
		{"outbound", `unknown waypoint: waypoint GatewayAddress { destination: Address(NetworkAddress { network: "", address: 10.0.0.1 }), hbone_mtls_port: 15008 } not found`, ztunnel.UnknownWaypoint},
		{"outbound", "unknown network gateway: x", ztunnel.UnknownGateway},
		{"outbound", "failed to fetch information about local workload: sa.ns (pod)", ztunnel.UnknownLocalWorkload},
		{"outbound", "unknown source: 10.0.0.1", ztunnel.UnknownLocalWorkload},
		{"outbound", "requested service h:1 found, but cannot resolve port", ztunnel.NoPort},
		{"inbound", "client disconnected before all data was written", ztunnel.ClientAborted},
		{"outbound", "while closing connection: send: io error: connection reset", ztunnel.ClosingError},
		{"inbound", "connection closed due to connection drain", ztunnel.Drained},
		{"inbound", "ip mismatch: 10.0.0.1 != 10.0.0.2", ztunnel.IPMismatch},
		{"outbound", "attempted recursive call to ourselves", ztunnel.RecursiveCall},
		{"outbound", "connection closed: peer certificate revoked by CRL", ztunnel.CRLRevoked},
		{"outbound", "http2 handshake failed: x", ztunnel.H2},
		{"inbound", "connection closed due to policy change", ztunnel.PolicyChanged},
		{"outbound", "http status: 404 Not Found", ztunnel.HTTPOther},
		{"inbound", "expected method CONNECT, got GET", ztunnel.HTTPOther},
		{"inbound", "signing error: signing gRPC error (The request does not have valid authentication credentials): x", ztunnel.SigningError},
		{"inbound", "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(CertificateUnknown) }", ztunnel.TLSHandshake},
		{"outbound", "san verification error: remote did not present the expected SAN", ztunnel.SANMismatch},
		{"outbound", "io error: invalid peer certificate: UnknownIssuer", ztunnel.UntrustedPeer},
		{"outbound", "io error: invalid peer certificate: Expired", ztunnel.UntrustedPeer},
		{"outbound", "unknown destination: 10.0.0.1", ztunnel.UnknownService},
		{"outbound", "no service for target address: 10.0.0.1:80", ztunnel.UnknownService},
		{"outbound", "no service or workload for hostname: a.b", ztunnel.UnknownService},
		{"outbound", "no valid target port for workload: 80", ztunnel.NoPort},
		{"outbound", "no gateway address: x", ztunnel.UnknownGateway},
		{"outbound", "timed out waiting for workload 'sa.ns (pod)' from xds", ztunnel.UnknownLocalWorkload},
		{"outbound", "destination disconnected before all data was written", ztunnel.ServerAborted},
		{"outbound", "while closing connection: receive: io error: broken pipe", ztunnel.ClosingError},
		{"outbound", "connection failed to drain within the timeout", ztunnel.Drained},
		{"outbound", "pool draining", ztunnel.Drained},
		{"outbound", "h2 failed: x", ztunnel.H2},
		{"outbound", "no ip addresses were resolved for workload: x", ztunnel.DNS},
		{"outbound", "dns lookup: x", ztunnel.DNS},
		{"outbound", "io error: Too many open files (os error 24)", ztunnel.FDExhausted},
		{"outbound", "io error: Broken pipe (os error 32)", ztunnel.Reset},
		{"outbound", "io error: Connection timed out (os error 110)", ztunnel.Timeout},
		{"outbound", "io error: No route to host (os error 113)", ztunnel.Unreachable},
		{"inbound", "connection failed: Connection timed out (os error 110)", ztunnel.AppTimeout},
		{"outbound", "something new", ztunnel.Other},
		{"outbound", "", ztunnel.NoError},
	}
	for _, tt := range tests {
		if got := ztunnel.ClassifyError(tt.direction, tt.text); got != tt.want {
			t.Errorf("%s %q = %q, want %q", tt.direction, tt.text, got, tt.want)
		}
	}
	if p, ok := ztunnel.DeniedBy("connection closed due to policy rejection: explicitly denied by: a/p"); !ok || p != "a/p" {
		t.Errorf("denied by %q, %v", p, ok)
	}
}

func TestReadiness(t *testing.T) {
	for _, file := range recordings(t, "ready.txt") {
		r, err := ztunnel.ReadReady(bytes.NewReader(read(t, file)))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if r.Ready != (r.Body == "ready") || !r.Ready && len(r.Pending) == 0 {
			t.Errorf("%s: %+v", file, r)
		}
	}
	r, err := ztunnel.ReadReady(strings.NewReader("HTTP/1.1 500 Internal Server Error\r\n\r\nnot ready, pending: state manager, workload proxy manager"))
	want := ztunnel.Readiness{Code: 500, Body: "not ready, pending: state manager, workload proxy manager", Pending: []string{"state manager", "workload proxy manager"}}
	if diff := cmp.Diff(want, r); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := ztunnel.ReadReady(strings.NewReader("<html>")); err == nil {
		t.Error("a page is no readiness answer")
	}
}

func BenchmarkLogReader(b *testing.B) {
	data := bytes.Repeat(read(b, "../../testdata/ztunnel/1.28.9/balance/worker-1/log.txt"), 10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		each(b, bytes.NewReader(data), func(r *ztunnel.Record) { r.Access() })
	}
}
