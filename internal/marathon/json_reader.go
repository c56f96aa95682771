package marathon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"meshsync.dev/meshsync/internal/mesh"
)

// A jsonReader reads JSON as it comes and makes trees of it: of the thousands of apps of a
// large answer it never holds the text, and what they have in common it makes once. It
// takes what encoding/json takes, and means the same.
type jsonReader struct {
	from    io.Reader
	buf     []byte
	at, end int // what is read and not yet used
	depth   int
	names   map[string]string // of members
	sizes   map[string]int    // of the object that was last read under a name: the next is likely as large
	texts   map[string]any    // short values
	// outOfRange is true once there was a number that no tree can hold: it is a json.Number.
	outOfRange bool
}

const (
	maxDepth  = 1000
	shortText = 16   // bytes of a value that is likely to come again
	maxTexts  = 4096 // as many of them are kept
	maxSize   = 64   // members that room is made for beforehand
)

func newJSONReader(from io.Reader) *jsonReader {
	return &jsonReader{from: from, buf: make([]byte, 64<<10), names: map[string]string{}, sizes: map[string]int{}, texts: map[string]any{}}
}

// more reads on. What is not yet used stays, at the beginning of the buffer.
func (r *jsonReader) more() error {
	r.end = copy(r.buf, r.buf[r.at:r.end])
	r.at = 0
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for {
		n, err := r.from.Read(r.buf[r.end:])
		r.end += n
		switch {
		case n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
}

// next is the next byte that is no blank; it is not yet used.
func (r *jsonReader) next() (byte, error) {
	for {
		for r.at < r.end {
			switch c := r.buf[r.at]; c {
			case ' ', '\t', '\n', '\r':
				r.at++
			default:
				return c, nil
			}
		}
		if err := r.more(); err != nil {
			return 0, err
		}
	}
}

// take uses the next byte, which has to be c.
func (r *jsonReader) take(c byte) error {
	got, err := r.next()
	if err == nil && got != c {
		err = fmt.Errorf("%q where %q belongs", got, c)
	}
	r.at++
	return err
}

// value reads one value; name is that of the member that it belongs to.
func (r *jsonReader) value(name string) (any, error) {
	c, err := r.next()
	if err != nil {
		return nil, err
	}
	switch c {
	case '{':
		return r.object(name)
	case '[':
		return r.list(name)
	case '"':
		return r.text()
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	default:
		return r.number()
	}
}

func (r *jsonReader) object(name string) (map[string]any, error) {
	return r.objectBy(name, r.value)
}

// objectBy reads an object whose values are read by value; name is that of the member that
// the object belongs to.
func (r *jsonReader) objectBy(name string, value func(name string) (any, error)) (map[string]any, error) {
	size := r.sizes[name]
	out := make(map[string]any, size)
	err := r.members(func(name string) error {
		v, err := value(name)
		out[name] = v
		return err
	})
	if len(out) != size && len(r.sizes) < maxTexts {
		r.sizes[name] = min(len(out), maxSize)
	}
	return out, err
}

// members reads an object; member reads the value of each.
func (r *jsonReader) members(member func(name string) error) error {
	if err := r.take('{'); err != nil {
		return err
	}
	return r.items('}', func() error {
		name, err := r.name()
		if err != nil {
			return err
		}
		if err := r.take(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// skip uses one value and makes nothing of it.
func (r *jsonReader) skip() error {
	c, err := r.next()
	switch {
	case err != nil:
		return err
	case c == '{':
		return r.members(func(string) error { return r.skip() })
	case c == '[':
		return r.elements(r.skip)
	case c == '"':
		_, err = r.text()
		return err
	default:
		_, err = r.value("")
		return err
	}
}

func (r *jsonReader) list(name string) (any, error) {
	out := []any{}
	err := r.elements(func() error {
		v, err := r.value(name)
		out = append(out, v)
		return err
	})
	return out, err
}

// elements reads a list; element reads each.
func (r *jsonReader) elements(element func() error) error {
	if err := r.take('['); err != nil {
		return err
	}
	return r.items(']', element)
}

// items reads what stands between commas, up to and with the closing byte.
func (r *jsonReader) items(closing byte, item func() error) error {
	if r.depth++; r.depth > maxDepth {
		return errors.New("it is too deep")
	}
	defer func() { r.depth-- }()
	c, err := r.next()
	if err != nil {
		return err
	}
	if c == closing {
		r.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		c, err := r.next()
		if err != nil {
			return err
		}
		if c != closing && c != ',' {
			return fmt.Errorf("%q where a comma belongs", c)
		}
		r.at++
		if c == closing {
			return nil
		}
	}
}

func (r *jsonReader) word(w string) error {
	for r.end-r.at < len(w) {
		if err := r.more(); err != nil {
			return err
		}
	}
	if string(r.buf[r.at:r.at+len(w)]) != w {
		return fmt.Errorf("%q is no word of JSON", r.buf[r.at:r.at+len(w)])
	}
	r.at += len(w)
	return nil
}

// name reads the name of a member; each is made once.
func (r *jsonReader) name() (string, error) {
	c, err := r.next()
	if err != nil {
		return "", err
	}
	if c != '"' {
		return "", fmt.Errorf("%q where a name belongs", c)
	}
	token, plain, err := r.quoted()
	if err != nil {
		return "", err
	}
	if !plain {
		return unquoted(token)
	}
	raw := token[1 : len(token)-1]
	if name, ok := r.names[string(raw)]; ok {
		return name, nil
	}
	name := string(raw)
	if len(r.names) < maxTexts {
		r.names[name] = name
	}
	return name, nil
}

// text reads a string; short ones are made once.
func (r *jsonReader) text() (any, error) {
	token, plain, err := r.quoted()
	if err != nil {
		return nil, err
	}
	if !plain {
		return unquoted(token)
	}
	raw := token[1 : len(token)-1]
	if len(raw) > shortText {
		return string(raw), nil
	}
	if v, ok := r.texts[string(raw)]; ok {
		return v, nil
	}
	text := string(raw)
	if len(r.texts) < maxTexts {
		r.texts[text] = text
	}
	return text, nil
}

// quoted uses a string with its quotes. The bytes are valid until more is read; plain ones
// mean themselves.
func (r *jsonReader) quoted() (token []byte, plain bool, err error) {
	plain = true
	ascii := true
	for i := 1; ; i++ {
		for r.at+i >= r.end {
			if err := r.more(); err != nil {
				return nil, false, err
			}
		}
		switch c := r.buf[r.at+i]; {
		case c == '"':
			token = r.buf[r.at : r.at+i+1]
			r.at += i + 1
			return token, plain && (ascii || utf8.Valid(token)), nil
		case c == '\\':
			plain = false
			i++ // what follows is no end
		case c >= utf8.RuneSelf:
			ascii = false
		case c < ' ':
			return nil, false, fmt.Errorf("%q within a string", c)
		}
	}
}

// unquoted leaves escapes, and bytes that are no UTF-8, to encoding/json.
func unquoted(token []byte) (string, error) {
	var s string
	err := json.Unmarshal(token, &s)
	return s, err
}

// number reads a number as a leaf of a tree.
func (r *jsonReader) number() (any, error) {
	i := 0
	for {
		if r.at+i >= r.end {
			if err := r.more(); err != nil {
				return nil, err
			}
		}
		if strings.IndexByte("+-.0123456789Ee", r.buf[r.at+i]) < 0 {
			break
		}
		i++
	}
	token := r.buf[r.at : r.at+i]
	if n, ok := small(token); ok {
		r.at += i
		return n, nil
	}
	if i == 0 || !json.Valid(token) {
		return nil, fmt.Errorf("%.20q is no value", r.buf[r.at:min(r.end, r.at+i+1)])
	}
	r.at += i
	v, err := mesh.ParseNumber(string(token))
	if err != nil {
		r.outOfRange = true
		return json.Number(token), nil
	}
	return v, nil
}

// small reads a number of a few digits.
func small(token []byte) (n int64, ok bool) {
	if len(token) == 0 || len(token) > 15 || token[0] == '0' && len(token) > 1 {
		return 0, false
	}
	for _, c := range token {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
