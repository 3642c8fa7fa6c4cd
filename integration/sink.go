package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Where a container has the sink, and what starts it.
const (
	sinkDir = "/opt/sink/"
	// SinkCommand runs the sink inside a container; a port and its flags are to follow.
	SinkCommand = sinkDir + "loader --library-path /opt/sink " + sinkDir + "sink"
)

// BuildSink compiles the Riemann sink, whose source is in the folder sources, and gives it
// with the libraries that it needs, by the path that each has in a container.
func BuildSink(ctx context.Context, sources, dir string) (map[string][]byte, error) {
	bin := filepath.Join(dir, "sink")
	out, err := exec.CommandContext(ctx, "gcc", "-O1", "-o", bin, filepath.Join(sources, "sink.c"), "-lriemann-client").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("failed to build the sink (libriemann-client-dev is needed): %w\n%s", err, out)
	}
	if out, err = exec.CommandContext(ctx, "ldd", bin).Output(); err != nil {
		return nil, fmt.Errorf("failed to list the sink's libraries: %w", err)
	}
	from := map[string]string{"sink": bin}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 2 && f[1] == "=>":
			from[f[0]] = f[2]
		case len(f) > 0 && strings.HasPrefix(f[0], "/"): // the loader, as old as those libraries
			from["loader"] = f[0]
		}
	}
	files := map[string][]byte{}
	for name, path := range from {
		if files[sinkDir+name], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return files, nil
}
