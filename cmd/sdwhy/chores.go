package main

import "time"

// A chore is something that the pipeline does each so often.
type chore struct {
	every time.Duration
	do    func()
	due   time.Time
}

// chores share one timer, so that an idle sdwhy wakes up for them alone.
type chores struct {
	timer *time.Timer
	list  []chore
}

// newChores begins with each chore one period from now.
func newChores(list []chore) *chores {
	c := &chores{timer: time.NewTimer(time.Hour), list: list}
	for i := range c.list {
		c.list[i].due = time.Now().Add(c.list[i].every)
	}
	c.arm()
	return c
}

// run does what is due.
func (c *chores) run() {
	now := time.Now()
	for i := range c.list {
		if !c.list[i].due.After(now) {
			c.list[i].do()
			c.list[i].due = now.Add(c.list[i].every)
		}
	}
	c.arm()
}

func (c *chores) arm() {
	if len(c.list) == 0 {
		c.timer.Stop()
		return
	}
	next := c.list[0].due
	for _, x := range c.list[1:] {
		if x.due.Before(next) {
			next = x.due
		}
	}
	c.timer.Reset(time.Until(next))
}
