package watcher

import "bytes"

// A cache keeps the clients that the last scan read: one that waits for hundreds of jobs is
// met by scan after scan, and what it is, and asks for, does not change. Its parent may die
// meanwhile; who that was is the better answer.
type cache struct{ old, now map[pid]cached }

type cached struct {
	comm, cmdline []byte
	process       process
}

// begin forgets those that the last scan did not meet.
func (c *cache) begin() { c.old, c.now = c.now, map[pid]cached{} }

// get gives a process as read before, while it still runs the same program for the same.
func (c *cache) get(p pid, comm, cmdline []byte) (cached, bool) {
	k, ok := c.old[p]
	if !ok || !bytes.Equal(k.comm, comm) || !bytes.Equal(k.cmdline, cmdline) {
		return cached{}, false
	}
	c.now[p] = k
	return k, true
}

// put keeps what was read of a process.
func (c *cache) put(p pid, k cached) { c.now[p] = k }
