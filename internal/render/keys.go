package render

import (
	"path"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// Key is one key of a file whose format is known. The values are what stands in the file:
// the rest of a line, JSON text, or the content of a flag's file. Nil: there is no such key.
type Key struct {
	Key    string  `json:"key"`
	Before *string `json:"before" jsonschema:"nullable"`
	After  *string `json:"after" jsonschema:"nullable"`
}

// keysOf tells by key how a file's content changes. It is empty unless the keys, together
// with one of the texts, say all: another order or another comment is not told by key.
func keysOf(c diff.Change) []Key {
	if c.Addr.Kind != mesh.File || confidential(c) {
		return nil
	}
	if keys := carried(c); keys != nil {
		return keys
	}
	if c.Before != nil && c.BeforeText == nil || c.After != nil && c.AfterText == nil {
		return nil
	}
	if key, ok := flagKey(c); ok {
		return []Key{key}
	}
	if c.Action != diff.Update || max(len(*c.BeforeText), len(*c.AfterText)) > maxDiffed {
		return nil
	}
	return keysBetween(c.Addr.Name, *c.BeforeText, *c.AfterText)
}

// keysBetween compares two contents of the file with this name, when its name says what its
// format is and both are of it.
func keysBetween(name, before, after string) []Key {
	base, dir := path.Base(name), path.Dir(name)
	switch {
	case before == after || binary(before) || binary(after):
		return nil
	case path.Ext(base) == ".json":
		return jsonKeys(before, after)
	case base == "zoo.cfg", base == "environment", path.Ext(base) == ".properties", path.Ext(base) == ".env",
		dir == "/etc/default", dir == "/etc/sysconfig":
		return settingKeys(before, after)
	default:
		return nil
	}
}

// A plan that is read back has the keys and not the texts. They travel as fields below this
// path, which no attribute has, so that the plan stays the value that everybody knows.
const carrier = "content\x00"

func carry(c *diff.Change, keys []Key) {
	side := func(s *string) any {
		if s == nil {
			return nil
		}
		return *s
	}
	for _, k := range keys {
		c.Fields = append(c.Fields, diff.Field{Path: carrier + k.Key, Before: side(k.Before), After: side(k.After)})
	}
}

func carried(c diff.Change) []Key {
	side := func(v any) *string {
		if s, ok := v.(string); ok {
			return &s
		}
		return nil
	}
	var keys []Key
	for _, f := range c.Fields {
		if key, ok := strings.CutPrefix(f.Path, carrier); ok {
			keys = append(keys, Key{key, side(f.Before), side(f.After)})
		}
	}
	return keys
}

// attributes are the fields of a change without the keys that it carries.
func attributes(c diff.Change) []diff.Field {
	var out []diff.Field
	for _, f := range c.Fields {
		if !strings.HasPrefix(f.Path, carrier) {
			out = append(out, f)
		}
	}
	return out
}
