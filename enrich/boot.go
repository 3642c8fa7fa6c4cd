package enrich

import "strings"

// bootState is what is known of the boot transaction: the first of a boot, so
// its ids are the lowest, and it is made before anything else can ask for jobs.
type bootState struct {
	finished bool                // StartupFinished was seen, or systemd said so at the start
	over     int64               // source time of the entry that said so, µs; 0 when none was read
	listed   bool                // the first listing has come
	bound    uint32              // the highest id known to be of the boot transaction
	basic    bool                // the journal shows that basic.target was reached
	ups      map[string]struct{} // active when last listed, and not heard of since
}

func (c *Correlator) startupFinished(Observation) { c.boot.finished = true }

// noteListed: a job that is there when sdwhy comes up during boot.
func (b *bootState) noteListed(c *Correlator, j *job) {
	if !b.finished && !b.listed && c.live() {
		b.bound = max(b.bound, j.id)
	}
}

// noteEntry: ids that work before basic.target is reached are the boot's: services
// and logins, which could ask for others, come after it.
func (b *bootState) noteEntry(e Entry) {
	switch {
	case e.MessageID == MsgStartupFinished || e.MessageID == MsgUserStartup:
		b.finished, b.over = true, e.Time
	case e.Job != 0 && !b.basic && !b.finished && e.Job < bootIDs:
		b.bound = max(b.bound, e.Job)
		b.basic = e.Unit == "basic.target" && e.MessageID == MsgStarted
	}
}

// bootIDs is more ids than a boot transaction makes; a journal read from the
// middle of a boot shows higher ones first.
const bootIDs = 1 << 14

// noteListing begins a listing, which has every unit: what was known of those up is over.
func (b *bootState) noteListing() { b.ups = map[string]struct{}{} }

func (b *bootState) noteUp(l Listed) {
	if l.Active == "active" {
		b.ups[l.Unit] = struct{}{}
	}
}

// noteChanged: the unit tells of itself from here on.
func (b *bootState) noteChanged(unit string) { delete(b.ups, unit) }

// up says whether a unit that has not changed since was active when last listed.
func (b *bootState) up(name string) bool {
	_, ok := b.ups[name]
	return ok
}

func (b *bootState) range_(j *job) bool { return b.bound != 0 && j.id <= b.bound }

// mayHave says whether the boot transaction may have made a job that only the journal
// knows: it came before the boot was over, and which ids are the boot's was not read.
func (b *bootState) mayHave(j *job) bool {
	return b.range_(j) || b.bound == 0 && j.newTime <= b.over
}

// byBoot: its id is among those that the boot transaction made.
func (c *Correlator) byBoot(j *job) *why {
	if !c.boot.range_(j) || c.boot.finished && j.listed && j.removedAt == 0 {
		return nil
	}
	return &why{cause: CauseBoot, evidence: []Evidence{c.proof(j.entries, "its id is of the boot transaction")}}
}

// shutdownState is the transaction that ends the system: its jobs cannot be
// undone, so every later id belongs to it.
type shutdownState struct {
	anchor uint32 // lowest id of a start job of a shutdown target
	unit   string
	hint   *Entry // logind's or PID 1's word that the system goes down
}

// isShutdownTarget knows the targets that systemd.special(7) names for going down.
func isShutdownTarget(unit string) bool {
	switch unit {
	case "shutdown.target", "reboot.target", "poweroff.target", "halt.target", "kexec.target", "soft-reboot.target", "exit.target":
		return true
	}
	return false
}

func (s *shutdownState) note(j *job) {
	if isShutdownTarget(j.unit.name) && j.rawType != ActionStop {
		s.set(j.id, j.unit.name)
	}
}

func (s *shutdownState) set(id uint32, unit string) {
	if s.anchor == 0 || id < s.anchor {
		s.anchor, s.unit = id, unit
	}
}

func (s *shutdownState) noteEntry(e Entry) {
	if e.Job != 0 && isShutdownTarget(e.Unit) && e.JobType == ActionStart && (e.MessageID == MsgStarted || e.MessageID == MsgStarting) {
		s.set(e.Job, e.Unit)
	}
}

// noteHint: logind and, from 257 on, PID 1 say that the system goes down, and who asked.
func (s *shutdownState) noteHint(e Entry) {
	switch {
	case e.Source == SourceLogind && e.MessageID == MsgShutdown:
	case e.Source == SourceManager && strings.Contains(e.Message, " requested from client PID") && !strings.HasPrefix(e.Message, "Re"),
		e.Source == SourceManager && strings.HasPrefix(e.Message, "Reboot requested from client PID"):
	default:
		return
	}
	s.hint = &e
}

func (s *shutdownState) begun() bool { return s.anchor != 0 }

// byShutdown: a shutdown target's start job has this or a lower id.
func (c *Correlator) byShutdown(j *job) *why {
	s := &c.shutdown
	if s.anchor == 0 || j.id < s.anchor || j.auto != nil || j.autoState {
		return nil
	}
	w := &why{cause: CauseShutdown, evidence: []Evidence{c.proof(j.entries, s.unit+" is being started")}}
	if s.hint != nil {
		w.evidence = append(w.evidence, journalProof(*s.hint))
	}
	for i := range j.clients {
		if c.fits(&j.clients[i], j) {
			w.client, w.requester = &j.clients[i], requesterOf(&j.clients[i])
		}
	}
	return w
}

// burst numbers the goes in which JobNews come: a pause ends one.
type burst struct {
	n     uint64
	count int // JobNews in it so far
	last  int64
}

// pause is the silence, in µs, that tells two goes apart. PID 1 sends the
// JobNews of a transaction in one or a few turns of its loop.
const pause = 200_000

func (b *burst) next(mono int64) uint64 {
	if b.n == 0 || mono-b.last > pause {
		b.n++
		b.count = 0
	}
	b.count++
	b.last = mono
	return b.n
}
