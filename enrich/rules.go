package enrich

import "slices"

// why is the answer to why a job was asked for, with its proof.
type why struct {
	rule      string
	cause     Cause
	trigger   *Trigger
	root      *Root
	requester *Requester
	client    *Client
	evidence  []Evidence
	missing   []string
	tentative bool // rests on another job or run that has not shown all its evidence yet
}

// A rule gives a job its cause, or passes. The first that answers is believed,
// so the rules stand in order of the strength of their proof: what systemd itself
// does comes before what a client may have done, and a client is the answer by
// exclusion only at the very end.
type rule struct {
	name string
	doc  string
	why  func(*Correlator, *job) *why
}

// jobRules is the rule table for jobs. A new cause is a new rule and its recordings.
// It is filled in init because rules follow chains of causes back to the table.
var jobRules []rule

func init() {
	jobRules = []rule{
		{"shutdown", "a shutdown target has a start job with this or a lower id: such jobs cannot be undone", (*Correlator).byShutdown},
		{"auto-restart", "systemd scheduled it: the restart entry, the sub-state auto-restart-queued or the risen counter", (*Correlator).byAutoRestart},
		{"trigger", "a timer, path, socket or automount that triggers the unit began to run just before the job came", (*Correlator).byTrigger},
		{"connection", "the unit is an instance that a listening Accept=yes socket made for a connection", (*Correlator).byConnection},
		{"requester", "a client whose command line fits the job was alive when it came", (*Correlator).byRequester},
		{"bus", "dbus-daemon logged just before that it activates the unit, and for whom", (*Correlator).byBus},
		{"boot", "its id is of the range that the boot transaction made", (*Correlator).byBoot},
		{"handler", "another unit that names it in OnFailure= or OnSuccess= had just ended so", (*Correlator).byHandler},
		{"transaction", "a lower job id of the same go is on a unit whose dependency asks for this very job", (*Correlator).byTransaction},
		{"isolate", "a client isolates a target in the same go, and this unit is not part of it", (*Correlator).byIsolate},
		{"own-reload", "the unit began to reload by itself just before: the job heads the reloads that it propagates", (*Correlator).byOwnReload},
		{"follow-up", "a unit it is bound to, upheld by or needed by changed just before, without a job on both", (*Correlator).byFollowUp},
		{"marked", "a client asks for the jobs of all units that are marked, and no other job explains this one", (*Correlator).byMarked},
		{"logind", "the unit is one that systemd-logind alone makes for logins, and no client was seen", (*Correlator).byLogind},
		{"chain", "a lower job id of the same go leads to this unit over units that needed no job", (*Correlator).byChain},
		{"sudo", "sudo logged just before a command line that fits the job", (*Correlator).bySudo},
		{"client-word", "systemd's own text says that a client asked (257+)", (*Correlator).byClientWord},
		{"past-transaction", "from the journal alone: a dependency asks for this very job, and the other unit had such a job of a lower id just then", (*Correlator).byPastTransaction},
		{"past", "from the journal alone: a stop, restart or reload that no other job explains", (*Correlator).byPast},
		{"exclusion", "no unit, no boot and no restart explains it, and every witness that could was there", (*Correlator).byExclusion},
	}
}

// nearby is how long before a job a change of another unit may have come to be
// its reason, in µs: systemd makes such jobs in the same or the next turn of its
// loop, but under load sends at most 100 signals a turn.
const nearby = 1_000_000

// why decides, by the first rule that answers, why a job was asked for.
func (c *Correlator) why(j *job) *why {
	if j.verdict != nil {
		return j.verdict
	}
	for _, r := range jobRules {
		if w := r.why(c, j); w != nil {
			w.rule = r.name
			return w
		}
	}
	return &why{rule: "none", cause: CauseUnknown, missing: c.absent(j)}
}

// absent names the witnesses that a verdict by exclusion would need and that were not there.
func (c *Correlator) absent(j *job) []string {
	var missing []string
	if j.firstAt == 0 || !c.saw(WitnessBus, j.firstAt) {
		missing = append(missing, "dbus")
	}
	if !c.journalRead(j) {
		missing = append(missing, "journal")
	}
	if !j.unit.readable() {
		missing = append(missing, "config")
	}
	if !j.scanned || j.guessed && c.requesterOf(j) == nil {
		missing = append(missing, "proc")
	}
	return missing
}

// journalRead says whether the journal has been read past the job's coming: whatever
// explains it (a scheduled restart, a trigger, an activation) was written before.
func (c *Correlator) journalRead(j *job) bool {
	at := j.firstAt
	if at == 0 {
		at = c.mono
	}
	if !c.live() {
		return j.closing != nil
	}
	return c.saw(WitnessJournal, at) && (j.closing != nil || c.entryTime > j.newTime || c.mono-j.removedAt >= c.opt.Deadline)
}

func (c *Correlator) journalUp() bool {
	w := c.witnesses[WitnessJournal]
	return w != nil && w.up
}

// byExclusion: a client asked. Which one, nobody saw.
func (c *Correlator) byExclusion(j *job) *why {
	if missing := c.absent(j); len(missing) > 0 {
		return nil
	}
	if c.unread(j) {
		return &why{cause: CauseUnknown, missing: []string{"config", "requester"}}
	}
	if c.firingsLost(j) || c.hintsLost(j) {
		return &why{cause: CauseUnknown, missing: []string{"trigger", "requester"}}
	}
	if c.company(j) || c.crowded(j) {
		return &why{cause: CauseUnknown, missing: []string{"relation", "requester"}}
	}
	if j.listed || c.asking(j).causes || c.machineNear(j) || j.unit.config.BusName != "" || !c.boot.finished || c.expires(j) {
		return &why{cause: CauseUnknown, missing: []string{"requester"}}
	}
	return &why{cause: CauseManual, missing: []string{"requester"}, evidence: []Evidence{
		{Source: "dbus", Says: "no trigger, dependency, restart or boot explains the job: a client asked"}}}
}

// expires says whether an automount may have asked for the stop of what it mounted,
// idle for TimeoutIdleSec=: nothing tells that from a client's wish (automount.c).
func (c *Correlator) expires(j *job) bool {
	if kind(j.unit.name) != "mount" || j.type_() != ActionStop && j.type_() != "" {
		return false
	}
	return !j.unit.readable() || slices.ContainsFunc(c.linked(j.unit, "TriggeredBy"), func(t string) bool { return kind(t) == "automount" })
}

// company says whether the job came together with one of a lower id: then it may be
// part of that one's transaction by a chain of units that had no jobs themselves.
func (c *Correlator) company(j *job) bool {
	return slices.ContainsFunc(c.active, func(u *unit) bool {
		return u != j.unit && slices.ContainsFunc(u.jobs, func(m *job) bool {
			return m.id < j.id && j.id-m.id < idRange && sameGo(m, j) && max(m.firstAt-j.firstAt, j.firstAt-m.firstAt) < together
		})
	})
}

// crowded: so much happened just then that units which may have asked had to be forgotten.
func (c *Correlator) crowded(j *job) bool {
	return c.activeLost != 0 && j.firstAt-c.activeLost < together
}

// together is how far apart, in µs, the announcements of one transaction are on a
// machine that is not overloaded.
const together = 50_000

// byClientWord: 257+ says so when a client's start cuts the wait for a restart short.
func (c *Correlator) byClientWord(j *job) *why {
	if !j.autoAsked {
		return nil
	}
	return &why{cause: CauseManual, missing: []string{"requester"}, evidence: []Evidence{
		{Source: "journal", Says: "the job was there before its restart was due: a client asked"}}}
}

// byPast: what the journal alone may claim. Jobs close by in id may be its reason,
// and a start may have a trigger that leaves no entry.
func (c *Correlator) byPast(j *job) *why {
	if !c.alone(j) {
		return nil
	}
	switch j.type_() {
	case ActionStop, ActionRestart, ActionReload:
		if len(j.entries) == 0 || c.expires(j) || c.mayBeAsked(j) || c.mayFollowReload(j) {
			return &why{cause: CauseUnknown, missing: []string{"dbus", j.unit.unclear()}}
		}
	case ActionStart:
		if !j.unit.configured {
			c.wantPast(j.unit)
		}
		if !j.unit.readable() || len(j.entries) == 0 || c.startable(j.unit) || c.nearTrigger(j) || ofConnection(j.unit.name) {
			return nil
		}
	default:
		return nil
	}
	if c.boot.mayHave(j) || c.shutdown.begun() {
		return nil
	}
	if c.tornOff(j) {
		return &why{cause: CauseUnknown, missing: []string{"dbus", "history"}}
	}
	if c.hintsLost(j) {
		return &why{cause: CauseUnknown, missing: []string{"dbus", "trigger"}}
	}
	if c.ofLogind(j.unit) {
		return c.askedByLogind(j)
	}
	return &why{cause: CauseManual, missing: []string{"requester"}, evidence: []Evidence{
		c.proof(j.entries, "nothing else in the journal explains the job: a client asked")}}
}

// mayFollowReload: a unit that reloads by itself leaves no entry, and takes others with it.
func (c *Correlator) mayFollowReload(j *job) bool {
	return j.type_() == ActionReload && len(c.linked(j.unit, "ReloadPropagatedFrom")) > 0
}

// unclear is what a unit's job that others may have asked for lacks.
func (u *unit) unclear() string {
	if u.readable() {
		return "relation"
	}
	return "config"
}

// startable: something other than a client can start a unit with this configuration. The
// timer that starts a transient unit is often gone when that has started.
func (c *Correlator) startable(u *unit) bool {
	return u.config.BusName != "" || u.config.Transient || slices.ContainsFunc(starters[:], func(property string) bool { return len(c.linked(u, property)) > 0 })
}

var starters = [...]string{"TriggeredBy", "RequiredBy", "WantedBy", "BoundBy", "UpheldBy", "RequisiteOf", "OnFailureOf", "OnSuccessOf"}
