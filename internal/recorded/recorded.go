// Package recorded reads what was recorded from a Marathon 1.11.26 with simulated agents. It is for tests.
package recorded

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"
)

// Read decodes a gzipped JSON file, by its path from the folder of the test. Numbers stay as they are written.
func Read(t testing.TB, file string, into any) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(z)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
