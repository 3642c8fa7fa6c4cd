package enrich

// readable says whether its configuration is known.
func (u *unit) readable() bool { return u.configured && u.config.Failed == "" }

// configured takes in a unit's configuration.
func (c *Correlator) configured(o Observation) {
	u := c.unit(o.Unit)
	if o.Config.Failed != "" && u.readable() {
		return // of what it triggers, asked for before
	}
	c.setConfig(u, o.Config)
	u.configured, u.stale = true, false
	c.triggersKnown(u)
}

// triggersRead takes in what a unit triggers.
func (c *Correlator) triggersRead(o Observation) {
	u := c.unit(o.Unit)
	if !u.configured {
		c.setConfig(u, Config{Deps: o.Config.Deps, LogLevelMax: -1})
	}
	c.triggersKnown(u)
}

// triggersKnown: what it triggers is known.
func (c *Correlator) triggersKnown(u *unit) {
	u.triggers = true
	c.fired.read(func(f *firing) bool { return f.unit == u.name })
}

// dropConfig forgets a unit's configuration: it may be another one now.
func (c *Correlator) dropConfig(u *unit) {
	c.setConfig(u, Config{})
	u.configured, u.asked, u.triggers, u.triggersAsked = false, false, false, false
}

// wantTriggers asks what a unit triggers, once until the next reload.
func (c *Correlator) wantTriggers(u *unit) {
	if !u.triggersAsked && !u.asked {
		u.triggersAsked = true
		c.wants.Triggers = append(c.wants.Triggers, u.name)
	}
}

// wantConfig asks for a unit's configuration, once until the next reload.
func (c *Correlator) wantConfig(u *unit) {
	if !u.asked {
		u.asked = true
		c.wants.Configs = append(c.wants.Configs, u.name)
	}
}

// managerReloading: configuration is stale once a reload has ended.
func (c *Correlator) managerReloading(o Observation) {
	c.reloading = o.Active
	if o.Active {
		return
	}
	for _, u := range c.units.Values() {
		c.dropConfig(u)
		for _, j := range u.jobs {
			if !j.told && c.needsConfig(j) {
				c.wantConfig(u)
			}
		}
	}
}
