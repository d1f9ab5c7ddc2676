package collect

import (
	"bytes"
	"errors"
	"io"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// managedFields are the larger part of many objects; of most the redaction keeps nothing of them.
const managedFields = "managedFields"

// errNoObject is returned for JSON that is something else.
var errNoObject = errors.New("not an object")

// decodeObject reads an object as encoding/json does, but for numbers, which
// stay as they are written, and without its managedFields unless managers is true.
func decodeObject(raw []byte, managers bool) (map[string]any, error) {
	dec := objectDecoder{jsontext.NewDecoder(bytes.NewReader(raw), rawjson.Lenient()), managers}
	v, err := dec.any()
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, errNoObject
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, errNoObject
	}
	return obj, nil
}

type objectDecoder struct {
	*jsontext.Decoder
	managers bool
}

func (dec objectDecoder) any() (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return dec.members()
	case '[':
		list := []any{}
		for dec.PeekKind() != ']' {
			v, err := dec.any()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return jsontext.Value(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (dec objectDecoder) members() (map[string]any, error) {
	obj := map[string]any{}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		if name == managedFields && !dec.managers {
			err = dec.SkipValue()
		} else {
			obj[name], err = dec.any()
		}
		if err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken()
	return obj, err
}

// encodeObject writes an object with its members in order.
func encodeObject(obj map[string]any) ([]byte, error) {
	return jsonv2.Marshal(obj, rawjson.Lenient(), jsonv2.Deterministic(true))
}
