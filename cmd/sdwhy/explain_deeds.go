package main

import (
	"fmt"
	"slices"

	"sdwhy/enrich"
)

// deeds are the jobs and the ends of runs that a unit's entries tell of, as these
// are read from the newest back: about as many as there will be events.
type deeds []deed

type deed struct {
	key    string
	newest int64 // time of its newest entry, µs
	end    bool  // the end of a run
}

// note takes in the next older entry. The end of a run that lies within a job is
// told by that job's event.
func (d *deeds) note(e enrich.Entry) {
	key, end := jobKey(e), false
	if key == "" && (e.MessageID == enrich.MsgFailureResult || e.MessageID == enrich.MsgSuccess) {
		key, end = e.BootID+"/"+e.Invocation, true
	}
	if key == "" {
		return
	}
	at := d.last(key)
	if at < 0 {
		*d = append(*d, deed{key, e.Time, end})
		return
	}
	switch e.MessageID {
	case enrich.MsgStarting, enrich.MsgStopping, enrich.MsgReloading:
		within := slices.DeleteFunc(slices.Clone((*d)[at+1:]), func(m deed) bool { return m.end })
		*d = append((*d)[:at+1], within...)
	}
}

// interleaved bounds how many jobs of a unit can be mixed in time.
const interleaved = 64

// last finds a deed among the newest ones noted, -1 if it is not there.
func (d deeds) last(key string) int {
	for i := len(d) - 1; i >= max(0, len(d)-interleaved); i-- {
		if d[i].key == key {
			return i
		}
	}
	return -1
}

// jobKey names the job that an entry is of, "" for none.
func jobKey(e enrich.Entry) string {
	if e.Job == 0 || e.Source == enrich.SourceVerdict {
		return ""
	}
	return fmt.Sprint(e.BootID, "/", e.PID, "/", e.Job)
}
