package mesh

import (
	"encoding/json"
	"slices"
	"strconv"

	"meshsync.dev/meshsync/internal/secret"
)

// AppendJSON appends a value of a tree as encoding/json writes it, byte for byte: digests in
// records are of these bytes. It fails on what JSON cannot hold.
func AppendJSON(to []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(to, "null"...), nil
	case bool:
		return strconv.AppendBool(to, v), nil
	case int64:
		return strconv.AppendInt(to, v, 10), nil
	case string:
		return appendText(to, v)
	case secret.Value:
		return appendText(to, secret.Mask)
	case Tree:
		return appendObject(to, v)
	case map[string]any:
		return appendObject(to, v)
	case []any:
		return appendList(to, v)
	default:
		return appendAny(to, v)
	}
}

func appendAny(to []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(to, b...), err
}

// appendText leaves what has to be escaped to encoding/json.
func appendText(to []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendAny(to, s)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"'), nil
}

func appendObject(to []byte, m map[string]any) ([]byte, error) {
	if m == nil {
		return append(to, "null"...), nil
	}
	var room [32]string
	var err error
	to = append(to, '{')
	names := room[:0]
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	for i, k := range names {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = appendText(to, k); err != nil {
			return to, err
		}
		to = append(to, ':')
		if to, err = AppendJSON(to, m[k]); err != nil {
			return to, err
		}
	}
	return append(to, '}'), nil
}

func appendList(to []byte, l []any) ([]byte, error) {
	if l == nil {
		return append(to, "null"...), nil
	}
	var err error
	to = append(to, '[')
	for i, v := range l {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = AppendJSON(to, v); err != nil {
			return to, err
		}
	}
	return append(to, ']'), nil
}
