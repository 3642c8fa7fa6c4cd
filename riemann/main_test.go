package riemann

import (
	"context"
	"os"
	"strconv"
	"testing"
)

// neverDone is a context for what only a signal ends.
type neverDone struct{ context.Context }

func (neverDone) Done() <-chan struct{} { return nil }
func (neverDone) Err() error            { return nil }

func TestMain(m *testing.M) {
	if path := os.Getenv("RIEMANN_FILL"); path != "" {
		from, _ := strconv.Atoi(os.Getenv("RIEMANN_FROM"))
		fill(path, from)
	}
	os.Exit(m.Run())
}
