package config

import (
	"bytes"
	"fmt"

	"cuelang.org/go/cue"
	cuejsonschema "cuelang.org/go/encoding/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// appSchema is the contract's #App as a JSON Schema, generated from it. It only says
// yes quickly: what it accepts need not be unified with the contract again, which
// would evaluate every app a second time. What it does not accept, the contract
// decides. It may be used by several goroutines.
type appSchema struct{ schema *jsonschema.Schema }

func newAppSchema(con contract) (appSchema, error) {
	expr, err := cuejsonschema.Generate(con.def("#App"), &cuejsonschema.GenerateConfig{})
	if err != nil {
		return appSchema{}, fmt.Errorf("the contract as a JSON Schema: %w", err)
	}
	text, err := con.ctx.BuildExpr(expr).MarshalJSON()
	if err != nil {
		return appSchema{}, fmt.Errorf("the contract as a JSON Schema: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return appSchema{}, err
	}
	const name = "contract:///app.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		return appSchema{}, err
	}
	s, err := c.Compile(name)
	return appSchema{s}, err
}

// accepts decodes an app and reports whether it is right beyond doubt. Numbers keep
// their text.
func (s appSchema) accepts(app []byte) (map[string]any, bool) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(app))
	def, ok := doc.(map[string]any)
	return def, err == nil && ok && s.schema.Validate(doc) == nil
}

// app holds one app to the contract and decodes it.
func (s appSchema) app(con func() contract, v cue.Value) (map[string]any, error) {
	b, err := v.MarshalJSON()
	if err == nil {
		if def, ok := s.accepts(b); ok {
			return def, nil
		}
	}
	u := con().def("#App").Unify(v)
	if precise := u.Validate(cue.Concrete(true), cue.Final()); precise != nil {
		return nil, precise
	}
	if err != nil {
		return nil, err
	}
	if b, err = u.MarshalJSON(); err != nil {
		return nil, err
	}
	def, _ := s.accepts(b) // the contract has decided
	return def, nil
}
