package enrich

// ofFormerBoot takes in an entry of another boot than the one that the stream is of: what
// happened last before a reboot, read after it. Job ids began anew since, so a correlator
// of its own judges that from the journal alone. A stream without a boot of its own, the
// past's, goes from boot to boot by itself.
func (c *Correlator) ofFormerBoot(o Observation) bool {
	id := o.Entry.BootID
	if !c.homed || id == "" || id == c.host.BootID {
		c.closeFormer()
		return false
	}
	if c.former == nil || c.former.host.BootID != id {
		c.closeFormer()
		c.former = New(c.opt)
		c.former.host, c.former.began = c.host, c.began
		c.former.host.BootID, c.former.host.Finished = id, 0
	}
	o.Entry.BootID = ""
	c.tell(c.former.observe(o, (*Correlator).entry))
	return true
}

// closeFormer tells what is left of a boot of which no more entries come.
func (c *Correlator) closeFormer() {
	if c.former != nil {
		c.tell(c.former.Flush())
		c.former = nil
	}
}

func (c *Correlator) tell(events []Event) {
	for _, e := range events {
		c.emit(e)
	}
}
