package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"

	"sdwhy/enrich"
)

// ReadObservations reads a recording as `sdwhy watch --record` writes it. A last line
// that is cut off, as when sdwhy was killed, is left out.
func ReadObservations(r io.Reader) ([]enrich.Observation, error) {
	var all []enrich.Observation
	br := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var o enrich.Observation
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("line %d is not an observation: %w", n, err)
		}
		all = append(all, o)
	}
}

// A Cut says what of a recording belongs to a scenario.
type Cut struct {
	From, To int64             // CLOCK_MONOTONIC, µs
	Mine     func(string) bool // whether a unit is the scenario's
	All      bool              // other units' signals and entries are kept too
}

// Apply gives the recording of one scenario: how the stream began, then what was
// observed of its units. Others are left out, since they must not matter.
func (c Cut) Apply(all []enrich.Observation) []enrich.Observation {
	var kept []enrich.Observation
	jobs := map[uint32]bool{}
	listed := c.lastListing(all)
	for i, o := range all {
		if c.To > 0 && o.Mono > c.To {
			break
		}
		if o.Kind == enrich.KindListing && i < listed {
			continue
		}
		if o.Job.ID != 0 && (c.All || c.Mine(o.Unit)) {
			jobs[o.Job.ID] = true
		}
		if c.frames(o) || o.Mono >= c.From && c.tells(o, jobs) {
			kept = append(kept, c.trim(o))
		}
	}
	return kept
}

// lastListing is the index of the last listing before the scenario: it replaces those before it.
func (c Cut) lastListing(all []enrich.Observation) int {
	last := 0
	for i, o := range all {
		if o.Kind == enrich.KindListing && o.Mono < c.From {
			last = i
		}
	}
	return last
}

// frames says whether an observation sets the stage for everything after it.
func (c Cut) frames(o enrich.Observation) bool {
	switch o.Kind {
	case enrich.KindStart, enrich.KindWitness, enrich.KindListing, enrich.KindStartup:
		return true
	case enrich.KindConfig:
		return c.All || c.Mine(o.Unit)
	}
	return false
}

// tells says whether an observation in the scenario's time is about it.
func (c Cut) tells(o enrich.Observation, jobs map[uint32]bool) bool {
	switch o.Kind {
	case enrich.KindTick:
		return true
	case enrich.KindClients:
		return slices.ContainsFunc(o.Jobs, func(id uint32) bool { return jobs[id] })
	case enrich.KindEntry:
		// dbus-daemon and sudo name units as they were asked for, by alias too.
		named := o.Entry.Source != enrich.SourceBus && o.Entry.Source != enrich.SourceSudo && o.Entry.Unit != ""
		return c.All || !named || c.Mine(o.Entry.Unit)
	}
	return c.All || o.Unit == "" || c.Mine(o.Unit)
}

// trim leaves only the scenario's units in a listing.
func (c Cut) trim(o enrich.Observation) enrich.Observation {
	if o.Kind == enrich.KindListing && !c.All {
		o.Listing = slices.DeleteFunc(slices.Clone(o.Listing), func(l enrich.Listed) bool { return !c.Mine(l.Unit) })
	}
	return o
}

// Encode writes observations one a line, and scrubs them.
func Encode(all []enrich.Observation) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, o := range all {
		if err := enc.Encode(o); err != nil {
			return nil, err
		}
	}
	return scrub(b.Bytes()), nil
}

// ident is an id of 128 bits (boot, invocation, journal file, machine), or a message id, told
// by the name of its field. Host names need no scrubbing: containers are called "host".
var ident = regexp.MustCompile(`("id":")?\b[0-9a-f]{32}\b`)

// scrub numbers the ids in the order in which they appear, so that the same
// scenario gives nearly the same fixture each time.
func scrub(data []byte) []byte {
	seen := map[string]string{}
	return ident.ReplaceAllFunc(data, func(id []byte) []byte {
		if id[0] == '"' {
			return id
		}
		if seen[string(id)] == "" {
			seen[string(id)] = fmt.Sprintf("%032x", len(seen)+1)
		}
		return []byte(seen[string(id)])
	})
}

// Replay gives the events of a recording, as `sdwhy replay --output json` prints them.
func Replay(recording []byte) ([]byte, error) {
	all, err := ReadObservations(bytes.NewReader(recording))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[0].Kind != enrich.KindStart {
		return nil, fmt.Errorf("a recording begins with an observation of kind %q", enrich.KindStart)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	correlator := enrich.New(all[0].Options)
	for _, o := range all {
		for _, e := range correlator.Observe(o) {
			if err := enc.Encode(e); err != nil {
				return nil, err
			}
		}
		correlator.Wants() // answered in the recording, where they were
	}
	return b.Bytes(), nil
}
