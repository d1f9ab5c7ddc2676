package rawjson

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func upper(v jsontext.Value) []byte { return bytes.ToUpper(v) }

func TestAnEditKeepsEveryOtherByte(t *testing.T) {
	members := func(v jsontext.Value) []byte { return EditMembers(v, map[string]Edit{"a": upper}) }
	elements := func(v jsontext.Value) []byte { return EditElements(v, upper) }
	replaced := func(v jsontext.Value) []byte {
		return ReplaceMember(v, "a", func(v jsontext.Value) []byte { return []byte(`"b":` + string(v)) })
	}
	for name, test := range map[string]struct {
		edit     Edit
		in, want string
	}{
		"a member":            {members, `{ "x" : 1e0,"a": "v" }`, `{ "x" : 1e0,"a": "V" }`},
		"each of that name":   {members, `{"a":"v","a":"w"}`, `{"a":"V","a":"W"}`},
		"not a nested one":    {members, `{"x":{"a":"v"}}`, `{"x":{"a":"v"}}`},
		"no object":           {members, `["a"]`, `["a"]`},
		"elements":            {elements, "[ \"v\",\n\"w\" ]", "[ \"V\",\n\"W\" ]"},
		"no elements":         {elements, `[ ]`, `[ ]`},
		"no array":            {elements, `"v"`, `"v"`},
		"a member replaced":   {replaced, `{"x":1, "a" : 2 ,"a":3}`, `{"x":1, "b":2 ,"a":3}`},
		"none to be replaced": {replaced, `{"x":1}`, `{"x":1}`},
	} {
		if diff := cmp.Diff(test.want, string(test.edit(jsontext.Value(test.in)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOnlyOneWholeDocumentPasses(t *testing.T) {
	for text, want := range map[string]error{
		`{"a":1,"a":2}`: nil, " [1] \n": nil, "\"\xff\"": nil,
		"": io.ErrUnexpectedEOF, `{"a":`: io.ErrUnexpectedEOF, "1 2": ErrTrailing,
	} {
		if err := Check(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if err := Check(strings.NewReader("{a}")); !IsSyntax(err) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestADocumentBeyondItsBoundsIsAnError(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"too long":         strings.NewReader(`"` + strings.Repeat("x", 2<<20) + `"`),
		"too many values":  strings.NewReader("[" + strings.Repeat("1,", maxValues+1) + "1]"),
		"too many objects": strings.NewReader("[" + strings.Repeat("{},", maxObjects+1) + "1]"),
	} {
		limit := int64(64 << 20)
		if name == "too long" {
			limit = 1 << 20
		}
		var to any
		if err := DecodeBounded(r, limit, &to); err == nil || !strings.Contains(err.Error(), "exceeds the 1 MB limit") && !strings.Contains(err.Error(), "holds more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var to any
	if err := DecodeBounded(strings.NewReader(`{"a":1,"a":2}`), 1<<20, &to); err != nil {
		t.Error(err)
	}
}
