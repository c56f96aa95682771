package marathond

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocumentNamesTestsThatExist holds docs/sandbox-marathon.md to the tests.
func TestTheDocumentNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../../docs/sandbox-marathon.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, pattern := range []string{"*_test.go", "appdef/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(data)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(doc), -1)
	for _, m := range named {
		if !strings.Contains(code.String(), "func "+m[1]+"(") {
			t.Errorf("%s is no test", m[1])
		}
	}
	if len(named) < 25 {
		t.Errorf("only %d tests are named", len(named))
	}
}
