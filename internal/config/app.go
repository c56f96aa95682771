package config

import (
	"errors"

	"cuelang.org/go/cue"
)

// app holds one app to the contract and decodes it.
func (s *structure) app(r *shapeReader, con func() contract, v cue.Value) (map[string]any, error) {
	if def, ok := s.read(r, v); ok {
		return def.(map[string]any), nil
	}
	lenient := r.leniently()
	if def, ok := s.read(lenient, v); ok {
		return def.(map[string]any), nil
	}
	u := con().def("#App").Unify(v)
	if err := u.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return nil, s.intolerable(lenient, v, err)
	}
	b, err := u.MarshalJSON()
	if err != nil {
		return nil, err
	}
	doc, err := decodeJSON(b)
	def, ok := doc.(map[string]any)
	if err == nil && !ok {
		err = errors.New("the app is no struct")
	}
	return def, err
}
