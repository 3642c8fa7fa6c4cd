package main

import (
	"context"
	"log/slog"

	"sdwhy/enrich"
	"sdwhy/watcher"
)

// configs is the units' configuration as the running manager has it, read when a verdict
// on the past first asks for it: what can have started a unit, and which jobs can have
// asked for others. The nil configs knows nothing.
type configs struct {
	ctx  context.Context
	log  *slog.Logger
	user bool

	bus   *watcher.Configs // nil before the first read
	broke bool             // the bus cannot be had
	have  []enrich.Observation
	asked map[string]bool
}

// maxConfigs bounds the units whose configuration is read.
const maxConfigs = 2000

// known gives what has been read so far.
func (c *configs) known() []enrich.Observation {
	if c == nil {
		return nil
	}
	return c.have
}

// read reads the configuration of the units that it has not been asked for yet, and says whether
// more is known now.
func (c *configs) read(units []string) bool {
	if c == nil || c.broke || len(units) == 0 {
		return false
	}
	before := len(c.have)
	if err := c.readAll(units); err != nil {
		c.broke = true
		c.log.Debug("what could have started a unit is not known", "error", err)
	}
	return len(c.have) > before
}

func (c *configs) readAll(units []string) error {
	if c.bus == nil {
		if err := c.open(); err != nil {
			return err
		}
	}
	for _, u := range units {
		if err := c.one(u); err != nil {
			return err
		}
	}
	return nil
}

// open connects, and reads all that could ever start another unit first: without that, no
// unit is known to have no trigger.
func (c *configs) open() (err error) {
	if c.bus, err = (&watcher.Watcher{User: c.user}).Configs(c.ctx); err != nil {
		return err
	}
	c.asked = map[string]bool{}
	triggers, err := c.bus.Triggers(c.ctx)
	if err != nil {
		return err
	}
	for _, t := range triggers {
		if err := c.one(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *configs) one(unit string) error {
	if c.asked[unit] || len(c.asked) == maxConfigs {
		return nil
	}
	c.asked[unit] = true
	config, err := c.bus.Read(c.ctx, unit)
	if err == nil {
		c.have = append(c.have, enrich.Observation{Kind: enrich.KindConfig, Unit: unit, Config: config})
	}
	return err
}
