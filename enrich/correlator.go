package enrich

import (
	"cmp"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Options are the correlator's settings. They are values, recorded with the
// stream, so that a replay decides as the live run did.
type Options struct {
	// Deadline is how long a finished job waits for its journal evidence, in µs (default 250 ms).
	Deadline int64 `json:"deadline_us,omitempty"`
	// LogLines is how many of a unit's own last lines a failure carries; negative is none (default 5).
	LogLines int `json:"log_lines,omitempty"`
	// Units bounds the memory of units (default 8192). Units with an open job or a run
	// that is being judged are never forgotten.
	Units int `json:"units,omitempty"`
	// Since is a time, µs since the epoch, before which no event is given: what ended
	// before was told already, or is history read only to know where things stand.
	Since int64 `json:"since,omitempty"`
}

const (
	defaultDeadline = 250_000
	defaultLogLines = 5
	defaultUnits    = 8192
	// recentWindow is the span of recent_restarts and of the three crashes of a crash loop, µs.
	recentWindow = 10 * 60 * 1_000_000
)

// Wants are what the correlator would like to be told, to be asked for without
// blocking; what never comes is named in an event's missing.
type Wants struct {
	Configs  []string     // units whose configuration should be read (KindConfig)
	Triggers []string     // units of which what they trigger should be read (KindTriggers): a fourteenth of the work
	JobTypes []uint32     // jobs open for long whose type should be read (KindJobType)
	Logs     []LogRequest // last lines of a run (KindLog)
}

// LogRequest asks for the last N lines of one invocation of a unit.
type LogRequest struct {
	Unit, Invocation string
	N                int
}

// Stats count what the correlator has seen and said.
type Stats struct {
	Observations, Jobs, Exits, Events, Unknown uint64
	OpenJobs, Units                            int
	Gaps                                       uint64 // times a witness said that it lost something
}

// A Correlator joins what D-Bus, the journal and /proc say of each job and each
// run. It has no clock: time is what observations carry. It is not safe for
// concurrent use.
type Correlator struct {
	opt        Options
	host       Host
	homed      bool        // the stream is of one boot
	cursor     string      // of the newest journal entry
	before     string      // of the one before
	placed     string      // the Place given last
	marks      []mark      // entries that may still be needed, in order
	began      int64       // CLOCK_REALTIME of its beginning, µs
	former     *Correlator // of an earlier boot, whose entries a live stream begins with
	time       int64       // CLOCK_REALTIME of the last observation, µs
	mono       int64       // CLOCK_MONOTONIC likewise
	seq        uint64
	witnesses  map[string]*witness
	units      *simplelru.LRU[string, *unit]
	jobs       map[uint32]*job // not yet told
	waiting    []*job          // removed, not yet told, in order of removal
	fresh      []*job          // young, whose type may have to be asked for
	exits      []*exit         // not yet told, in order of their ends
	told       *simplelru.LRU[string, struct{}]
	over       *simplelru.LRU[string, struct{}] // invocations whose end was seen: the first end of a run wins
	fired      firings
	plugs      []plug
	hints      []hint
	hintLost   int64 // source time of the newest that had to make room, µs
	seen       []sighting
	indexes    map[int]*index // of clients, by pid
	traces     []trace
	traceLost  int64            // source time of the newest that had to make room, µs
	ends       map[end][]string // far ends of dependencies, from the near ones
	recheckAt  int64            // mono of when a verdict that waits for others is to be tried again
	gone       []*leaving       // units that were unloaded lately, oldest first
	active     []*unit          // to which something happened lately, newest last
	activeLost int64            // mono of when something last happened to one that had to make room
	flushing   bool
	burst      burst
	boot       bootState
	shutdown   shutdownState
	reloading  bool
	closed     []*job // whose closing entry was read before their JobRemoved came
	entryTime  int64  // source time of the manager's newest entry, µs
	entryFrom  int64  // and of its first
	wants      Wants
	out        []Event
	stats      Stats
}

// New gives a correlator that has seen nothing.
func New(opt Options) *Correlator {
	opt.Deadline = cmp.Or(opt.Deadline, defaultDeadline)
	opt.LogLines = cmp.Or(opt.LogLines, defaultLogLines)
	opt.Units = cmp.Or(opt.Units, defaultUnits)
	c := &Correlator{opt: opt, witnesses: map[string]*witness{}, jobs: map[uint32]*job{}, ends: map[end][]string{}, indexes: map[int]*index{}}
	c.fired = newFirings()
	c.units, _ = simplelru.NewLRU[string, *unit](maxInt, nil) // bounded by forget, which spares the busy
	c.told, _ = simplelru.NewLRU[string, struct{}](1<<14, nil)
	c.over, _ = simplelru.NewLRU[string, struct{}](1<<12, nil)
	return c
}

const maxInt = int(^uint(0) >> 1)

// Observe takes in one observation and gives the events that it settles.
func (c *Correlator) Observe(o Observation) []Event { return c.observe(o, takers[o.Kind]) }

func (c *Correlator) observe(o Observation, take func(*Correlator, Observation)) []Event {
	c.stats.Observations++
	c.seq++
	c.clock(o)
	if o.Entry.Cursor != "" {
		c.before, c.cursor = c.cursor, o.Entry.Cursor
	}
	if take != nil {
		take(c, o)
	}
	c.concern(o)
	c.settle()
	return c.drain()
}

// Due tells the correlator what time it is, in µs of CLOCK_REALTIME and
// CLOCK_MONOTONIC, and gives the events whose deadline has passed.
func (c *Correlator) Due(now, mono int64) []Event {
	return c.Observe(Observation{Kind: KindTick, Time: now, Mono: mono})
}

// Flush gives what is still open when a finite stream has ended: each run that
// awaits word of a restart, each job whose closing entry was the stream's last.
func (c *Correlator) Flush() []Event {
	c.flushing = true
	c.flushExits()
	c.settle()
	c.flushing = false
	return c.drain()
}

// takers say who takes which kind in; unknown kinds are from a newer sdwhy and pass unseen.
var takers = map[Kind]func(*Correlator, Observation){
	KindStart:       (*Correlator).start,
	KindTick:        func(*Correlator, Observation) {},
	KindWitness:     (*Correlator).witness,
	KindJobNew:      (*Correlator).jobNew,
	KindJobRemoved:  (*Correlator).jobRemoved,
	KindJobType:     (*Correlator).jobType,
	KindUnit:        (*Correlator).unitChanged,
	KindUnitNew:     (*Correlator).unitNew,
	KindUnitRemoved: (*Correlator).unitRemoved,
	KindConfig:      (*Correlator).configured,
	KindTriggers:    (*Correlator).triggersRead,
	KindReloading:   (*Correlator).managerReloading,
	KindStartup:     (*Correlator).startupFinished,
	KindClients:     (*Correlator).clients,
	KindEntry:       (*Correlator).entry,
	KindListing:     (*Correlator).listing,
	KindLog:         (*Correlator).logged,
}

// clock moves time on; a stamp that runs backwards (two sources, one stream) does not.
func (c *Correlator) clock(o Observation) {
	c.time = cmp.Or(o.Time, c.time)
	c.mono = max(c.mono, o.Mono)
}

func (c *Correlator) start(o Observation) {
	c.host, c.homed = o.Host, o.Host.BootID != ""
	if c.began == 0 {
		c.began = o.Time
	}
	c.boot.finished = o.Host.Finished != 0
}

func (c *Correlator) drain() []Event {
	events := c.out
	c.out = nil
	c.forget()
	return events
}

// Wants hands over, once, what the correlator would like to know.
func (c *Correlator) Wants() Wants {
	w := c.wants
	c.wants = Wants{}
	return w
}

// Pending is how many jobs and runs have ended and wait for evidence.
func (c *Correlator) Pending() int { return len(c.waiting) + len(c.exits) }

// Stats gives the counters so far.
func (c *Correlator) Stats() Stats {
	s := c.stats
	s.OpenJobs, s.Units = len(c.jobs), c.units.Len()
	return s
}

// Deadline is when Due must be called next, in µs of CLOCK_MONOTONIC; 0 is never.
func (c *Correlator) Deadline() int64 {
	var next int64
	sooner := func(t int64) {
		if t != 0 && (next == 0 || t < next) {
			next = t
		}
	}
	for _, j := range c.waiting {
		due := c.lateAt(j)
		sooner(due)
		if due == j.removedAt+c.opt.Deadline {
			break
		}
	}
	if len(c.closed) > 0 {
		sooner(c.closed[0].closedAt + orphanWait)
	}
	if c.recheckAt > c.mono {
		sooner(c.recheckAt)
	}
	if len(c.fresh) > 0 {
		sooner(c.fresh[0].newAt + typeWait)
	}
	if len(c.exits) > 0 {
		sooner(max(c.exits[0].seenAt+c.opt.Deadline, c.mono+recheck))
	}
	return next
}
