package redact_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle/redact"
)

func TestAGatewaysLogLosesWhatItsClientsAskedFor(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{
			"an HTTP request",
			`[2026-11-24T10:00:00.000Z] "GET /orders/4711?token=x HTTP/1.1" 503 UF upstream_reset - "-" 0 91 10 9 "203.0.113.9" "curl/8" "9f-1" "shop.example" "10.1.2.3:80" inbound|80|| 10.1.0.1:4 10.1.0.1:80 203.0.113.9:5123 shop.example default` + "\n",
			`[2026-11-24T10:00:00.000Z] "GET [masked] HTTP/1.1" 503 UF upstream_reset - "-" 0 91 10 9 "[masked]" "curl/8" "9f-1" "shop.example" "10.1.2.3:80" inbound|80|| 10.1.0.1:4 10.1.0.1:80 [masked] shop.example default` + "\n",
		},
		{
			"a TCP connection",
			`[2026-11-24T10:00:00.000Z] "- - -" 0 - - - "-" 1 2 3 - "-" "-" "-" "-" "10.1.2.3:80" inbound|80|| 10.1.0.1:4 10.1.0.1:80 10.9.9.9:5 - -` + "\n",
			`[2026-11-24T10:00:00.000Z] "- - -" 0 - - - "-" 1 2 3 - "[masked]" "-" "-" "-" "10.1.2.3:80" inbound|80|| 10.1.0.1:4 10.1.0.1:80 [masked] - -` + "\n",
		},
		{
			"JSON",
			`{"authority":"a","path":"/x?y=\"z","response_code":200,"x_forwarded_for":"1.2.3.4","downstream_remote_address":"1.2.3.4:5"}` + "\n",
			`{"authority":"a","path":"[masked]","response_code":200,"x_forwarded_for":"[masked]","downstream_remote_address":"[masked]"}` + "\n",
		},
		{"a format of the user's own", `10:00 "POST /a/b HTTP/2" done`, `10:00 "POST [masked] HTTP/2" done`},
		{"a line of the proxy's own", "2026-11-24T10:00:00.000000Z\twarning\tenvoy config\tgRPC config stream closed\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want == "" {
				test.want = test.in
			}
			var out bytes.Buffer
			m := redact.NewRequestMask(&out)
			for _, c := range []byte(test.in) {
				if _, err := m.Write([]byte{c}); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Flush(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
