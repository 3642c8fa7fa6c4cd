package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sdwhy/integration"
)

// A bench is a booted container in which rows are measured.
type bench struct {
	*integration.Container
	options
	storms []storm
	row    row // the one that is being measured
	meter  meter
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// boot boots a container with all that the rows and the storms need in it.
func (b *bench) boot(ctx context.Context, rows []row) error {
	s, err := suite(b.suite)
	if err != nil {
		return err
	}
	b.say("building, and booting %s", s.Name)
	files, err := build(ctx, rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.exec != "" {
			files[units+r.unit()] = []byte(r.file(b.pprof != ""))
		}
	}
	files[units+"row-sink.service"] = []byte(sinkFile)
	for _, s := range b.storms {
		for path, text := range s.files {
			files[path] = []byte(text)
		}
	}
	base, err := integration.Rootfs(ctx, s)
	if err != nil {
		return err
	}
	if b.Container, err = integration.Prepare(fmt.Sprintf("sdwhy%d-%d", s.Version, os.Getpid())); err != nil {
		return err
	}
	if err = b.install(files); err == nil {
		err = b.Boot(ctx, base)
	}
	if err != nil {
		b.Close()
	}
	return err
}

func (b *bench) install(files map[string][]byte) error {
	for path, data := range files {
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(data, []byte("\x7fELF")) {
			mode = 0o755
		}
		if err := b.Install(path, data, mode); err != nil {
			return fmt.Errorf("failed to install %s: %w", path, err)
		}
	}
	return os.MkdirAll(b.Path(dir+"profile"), 0o700)
}

// table measures each row and prints the table, also when it is cut short.
func (b *bench) table(ctx context.Context, rows []row) error {
	b.row, b.meter = row{name: "the container"}, newMeter(b.Init(), "")
	for _, s := range b.storms {
		if err := b.script(ctx, s, s.prepare); err != nil {
			return err
		}
	}
	var results []result
	defer func() { show(os.Stdout, b.suite, rows, results) }()
	for _, r := range rows {
		more, err := b.measure(ctx, r)
		results = append(results, more...)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return b.profiles()
}

// profiles copies the profiles out.
func (b *bench) profiles() error {
	if b.pprof == "" {
		return nil
	}
	found, _ := filepath.Glob(b.Path(dir + "profile/*.pprof"))
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(b.pprof, filepath.Base(path)), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	b.say("go tool pprof -top %s", strings.Join(found, " "))
	return nil
}
