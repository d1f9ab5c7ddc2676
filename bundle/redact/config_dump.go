package redact

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// What is said of a config dump that lost something.
const (
	// WithheldPEM stands for certificates that are kept as facts.
	WithheldPEM     = "certificates: PEM bodies"
	withheldHeaders = "config: header values"
)

// Section takes out of a value of a config dump's section what may be a
// secret: header values of the configuration, which may be credentials, never
// enter, and certificates are kept as facts unless keepPEM says otherwise.
// withheld names what was taken out, "" for nothing.
func Section(section string, v jsontext.Value, keepPEM bool) (out []byte, withheld string) {
	switch section {
	case "config":
		edit := func(list jsontext.Value) []byte {
			out := withholdList(list)
			if !bytes.Equal(out, list) {
				withheld = withheldHeaders
			}
			return out
		}
		out = rawjson.EditMembers(v, map[string]rawjson.Edit{"xdsHeaders": edit, "caHeaders": edit})
		return out, withheld
	case "certificates":
		if keepPEM || !bytes.Contains(v, []byte(`"pem"`)) {
			return v, ""
		}
		return rawjson.EditMembers(v, map[string]rawjson.Edit{"certChain": chainFacts, "rootCerts": rootFacts}), WithheldPEM
	}
	return v, ""
}

// withholdList takes out the contents of a list that is not empty.
func withholdList(v jsontext.Value) []byte {
	dec := rawjson.NewDecoder(bytes.NewReader(v))
	if v.Kind() != '[' {
		return []byte(`"` + marker + `"`)
	}
	if _, err := dec.ReadToken(); err != nil || dec.PeekKind() == ']' {
		return v
	}
	return []byte(`["` + marker + `"]`)
}
