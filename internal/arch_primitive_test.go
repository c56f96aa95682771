package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestAPrimitiveIsOneFile holds the program to its promise that a new kind of resource on
// hosts costs one Go file: nothing outside of package primitive names the kind symlink or
// its field. The git and sandbox packages are about symbolic links of this machine.
func TestAPrimitiveIsOneFile(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, dir := range []string{".", "../cmd"} {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && (name == "repo" || name == "sandbox" || d.Name() == "testdata") {
				if err == nil {
					err = filepath.SkipDir
				}
				return err
			}
			if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, _ := strconv.Unquote(lit.Value); text == "symlink" || text == "symlinks" {
						named[name] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(named) != 1 || !named[filepath.Join("primitive", "symlink.go")] {
		t.Errorf("the kind symlink is named in %v, and should be in primitive/symlink.go alone", named)
	}
}
