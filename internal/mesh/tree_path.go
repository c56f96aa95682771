package mesh

// At is the value at a path of names; ok is false when nothing is there.
func (t Tree) At(path []string) (v any, ok bool) {
	v = map[string]any(t)
	for _, name := range path {
		if v, ok = asMap(v)[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// Put sets the value at a path of names, and makes what it lies in. What it lies in must
// be t's own: see Clone.
func (t Tree) Put(path []string, v any) {
	in := map[string]any(t)
	for _, name := range path[:len(path)-1] {
		below := asMap(in[name])
		if below == nil {
			below = map[string]any{}
			in[name] = below
		}
		in = below
	}
	in[path[len(path)-1]] = v
}

// Take removes the value at a path of names, and what it alone was in, unless like has that, too.
func (t Tree) Take(path []string, like Tree) {
	for n := len(path); n > 0; n-- {
		in, _ := t.At(path[:n-1])
		if _, ok := like.At(path[:n]); ok && n < len(path) {
			return
		}
		if below := asMap(asMap(in)[path[n-1]]); n < len(path) && len(below) > 0 {
			return
		}
		delete(asMap(in), path[n-1])
	}
}

func asMap(v any) map[string]any {
	if t, ok := v.(Tree); ok {
		return t
	}
	m, _ := v.(map[string]any)
	return m
}
