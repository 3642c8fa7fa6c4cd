package watcher

import (
	"context"
	"fmt"
	"path"
	"strings"

	"sdwhy/enrich"
)

// Configs reads configuration as the manager has it now, over a connection of its own:
// for judging the past, of which no signal tells what could have started a unit. It
// belongs to one goroutine.
type Configs struct{ link *link }

// Configs connects to the bus. Close must follow. Its error says why the bus cannot be had.
func (w *Watcher) Configs(ctx context.Context) (*Configs, error) {
	conn, err := w.dial(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot read units' configuration: %w", err)
	}
	return &Configs{&link{w: w, conn: conn}}, nil
}

// Close ends the connection.
func (c *Configs) Close() error { return c.link.conn.Close() }

// Read gives a unit's configuration; Failed says why there is none, such as a unit that
// systemd no longer knows. An error means that the connection is of no more use.
func (c *Configs) Read(ctx context.Context, unit string) (enrich.Config, error) {
	all, own, err := c.link.properties(ctx, unit)
	switch load := textOf(all["LoadState"]); {
	case err != nil && !refused(err):
		return enrich.Config{}, fmt.Errorf("read the configuration of %s: %w", unit, err)
	case err != nil:
		return unreadable(err.Error()), nil
	case load != "loaded":
		return unreadable("the unit is " + load + " now"), nil
	}
	return configOf(all, own), nil
}

// triggerFiles are the types of units that start others.
var triggerFiles = []string{"*.timer", "*.path", "*.socket", "*.automount"}

// Triggers names the timers, paths, sockets and automounts that have a unit file, running
// or not: one that is unloaded now may have triggered a unit then, and systemd keeps the
// far end of that, TriggeredBy, only while it is loaded. Templates are left out.
func (c *Configs) Triggers(ctx context.Context) ([]string, error) {
	var files []struct{ Path, State string }
	err := c.link.call(ctx, busPath, manager+".ListUnitFilesByPatterns", []string{}, triggerFiles).Store(&files)
	if err != nil {
		return nil, fmt.Errorf("list the unit files of timers, paths and sockets: %w", err)
	}
	var units []string
	for _, f := range files {
		if name := path.Base(f.Path); !strings.Contains(name, "@.") {
			units = append(units, strings.Clone(name))
		}
	}
	return units, nil
}
