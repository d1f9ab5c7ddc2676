package load

import (
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestErrorsInJSONAreToldByLineAndColumn(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"in the first line":     {`{"a" 1}`, `line 1, column 6: invalid character '1' after object name (expecting ':') within "/a"`},
		"in a later line":       {"{\n  \"a\": [1,\n    2 3]\n}", `line 3, column 7: invalid character '3' after array element (expecting ',' or ']') within "/a"`},
		"cut off":               {"{\n\"a\": {\n\"b\": 1", `line 3, column 7: unexpected EOF within "/a"`},
		"after very many lines": {"[" + strings.Repeat("1,\n", 3*keptLines) + "x]", `line 196609, column 1: invalid character 'x' at start of value within "/196608"`},
	} {
		t.Run(name, func(t *testing.T) {
			lines := &lineCounter{r: strings.NewReader(test.text)}
			dec := jsontext.NewDecoder(lines)
			var err error
			for err == nil {
				_, err = dec.ReadToken()
			}
			if err == io.EOF {
				t.Fatal("no error")
			}
			if got := lines.placed(err).Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
