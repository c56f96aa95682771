package main

// event is one line of `go test -json`, as `go doc test2json` and `go help buildjson`
// describe it. Only the fields that are read here stand in it.
type event struct {
	Action     string
	Package    string
	ImportPath string // instead of Package in build-output and build-fail
	Test       string // empty: the event is about the package
	Output     string
}

// testID names a test: the package's import path and the test with its subtests' names.
type testID struct{ pkg, test string }
