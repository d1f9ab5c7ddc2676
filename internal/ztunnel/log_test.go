package ztunnel_test

import (
	"bytes"
	"errors"
	"io"
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

func FuzzLogReader(f *testing.F) {
	f.Add("2026-11-23T06:45:23.030417Z\tinfo\taccess\tconnection complete\tsrc.addr=1.2.3.4:5 error=\"a\\\"b\" duration=\"3ms\"\n")
	f.Add(`{"level":"info","time":"2026-11-23T06:45:35.737160Z","scope":"access","message":"connection failed","src.addr":"x","xds":{"id":1}}`)
	f.Add("2026-11-23T06:45:23.030417Z\tinfo\ta:b{c=d}:e{\trunning with config: x\nfoo: 1\n\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		each(t, strings.NewReader(text), func(r *ztunnel.Record) {
			if r.Line <= last {
				t.Errorf("line %d after %d", r.Line, last)
			}
			last = r.Line
			r.Access()
		})
	})
}

func BenchmarkLogReader(b *testing.B) {
	data := bytes.Repeat(read(b, "../../testdata/ztunnel/1.28.9/balance/worker-1/log.txt"), 10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		each(b, bytes.NewReader(data), func(r *ztunnel.Record) { r.Access() })
	}
}
