package redact

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestWhatASectionLoses(t *testing.T) {
	for name, test := range map[string]struct {
		section, in, want, withheld string
		keepPEM                     bool
	}{
		"header values":           {"config", `{"a": 1, "xdsHeaders": ["authorization", "x"], "caHeaders": []}`, `{"a": 1, "xdsHeaders": ["[redacted]"], "caHeaders": []}`, withheldHeaders, false},
		"no header values":        {"config", `{"xdsHeaders":[ ]}`, `{"xdsHeaders":[ ]}`, "", false},
		"headers of another form": {"config", `{"caHeaders":{"x":"y"}}`, `{"caHeaders":"[redacted]"}`, withheldHeaders, false},
		"a certificate":           {"certificates", `{"certChain":[{"pem":"eA==","serialNumber":"1"}]}`, `{"certChain":[{"facts": null,"serialNumber":"1"}]}`, WithheldPEM, false},
		"a certificate to keep":   {"certificates", `{"certChain":[{"pem":"eA=="}]}`, `{"certChain":[{"pem":"eA=="}]}`, "", true},
		"no certificate":          {"certificates", `{"certChain":[]}`, `{"certChain":[]}`, "", false},
		"a workload":              {"workloads", `{"xdsHeaders":["x"],"pem":1}`, `{"xdsHeaders":["x"],"pem":1}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			out, withheld := Section(test.section, jsontext.Value(test.in), test.keepPEM)
			if diff := cmp.Diff([]string{test.want, test.withheld}, []string{string(out), withheld}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
