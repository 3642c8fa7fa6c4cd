package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"

	"sdwhy/integration"
)

// exporterModule is systemd_exporter, built in a module of its own: integration/exporter.
const exporterModule = "github.com/prometheus-community/systemd_exporter"

// build makes the rows' programs, in a folder that is gone afterwards, and gives them by their
// paths in the container. It is called in the repository's root.
func build(ctx context.Context, rows []row) (map[string][]byte, error) {
	tmp, err := os.MkdirTemp("", "sdwhy-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	sdwhy, err := integration.Build(ctx, tmp)
	if err != nil {
		return nil, err
	}
	programs := map[string][]string{
		"floor":            {"gcc", "-O2", "-o", filepath.Join(tmp, "floor"), "integration/floor/floor.c", "-lsystemd"},
		"parse":            {"go", "build", "-o", filepath.Join(tmp, "parse"), "./integration/benchmark/parse"},
		"systemd_exporter": {"go", "build", "-C", "integration/exporter", "-o", filepath.Join(tmp, "systemd_exporter"), exporterModule},
	}
	files := map[string][]byte{}
	for name, argv := range programs {
		if !needed(rows, name) {
			continue
		}
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("failed to build %s: %w\n%s", name, err, out)
		}
		if files["/usr/local/bin/"+name], err = os.ReadFile(filepath.Join(tmp, name)); err != nil {
			return nil, err
		}
	}
	if files["/usr/local/bin/sdwhy"], err = os.ReadFile(sdwhy); err != nil {
		return nil, err
	}
	if needed(rows, integration.SinkCommand) {
		sink, err := integration.BuildSink(ctx, "integration/sink", tmp)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, sink)
	}
	return files, nil
}
