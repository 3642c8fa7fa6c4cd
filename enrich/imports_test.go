package enrich

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed is the import diet: values in, values out.
var allowed = []string{"cmp", "encoding/json", "fmt", "path", "slices", "strconv", "strings", "time", "github.com/hashicorp/golang-lru/v2/simplelru"}

// TestPure proves that enrich does no IO and knows no clock.
func TestPure(t *testing.T) {
	for name, file := range parse(t, ".") {
		for _, imp := range file.Imports {
			if path := strings.Trim(imp.Path.Value, `"`); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", name)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick"}, n.Sel.Name) {
					t.Errorf("%s asks the clock: time.%s", name, n.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestArrows proves that data flows one way: the witnesses and the delivery know
// only this package.
func TestArrows(t *testing.T) {
	for _, pkg := range []string{"watcher", "journal", "riemann"} {
		for name, file := range parse(t, filepath.Join("..", pkg)) {
			for _, imp := range file.Imports {
				path := strings.Trim(imp.Path.Value, `"`)
				if strings.HasPrefix(path, "sdwhy/") && path != "sdwhy/enrich" {
					t.Errorf("%s/%s imports %s", pkg, name, path)
				}
			}
		}
	}
}

// parse reads the non-test files of a folder.
func parse(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[filepath.Base(name)], err = parser.ParseFile(token.NewFileSet(), name, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Fatalf("no Go files in %s", dir)
	}
	return files
}
