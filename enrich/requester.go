package enrich

import (
	"cmp"
	"slices"
	"strings"
)

// clients takes in one scan of /proc, made for one or more JobNews.
func (c *Correlator) clients(o Observation) {
	c.remember(o)
	for _, id := range o.Jobs {
		if j, ok := c.jobs[id]; ok && !j.scanned {
			j.scanned, j.guessed, j.clients = true, o.Known, o.Clients
			if !c.namedByAny(j) {
				c.wantOwn(j)
			}
		}
	}
}

// namedByAny: a client names the job's unit. Whether its verb is that of the job shows when the
// job is over: half of a restart reads as a stop. Configuration can wait until then.
func (c *Correlator) namedByAny(j *job) bool {
	return slices.ContainsFunc(j.clients, func(cl Client) bool { return c.named(&cl, j) })
}

// byRequester: the client whose command line fits the job. systemctl waits for its
// job, so at JobNew it is alive.
func (c *Correlator) byRequester(j *job) *why {
	cl := c.requesterOf(j)
	if cl == nil {
		return nil
	}
	w := c.askedBy(cl)
	w.evidence = []Evidence{{Source: "proc", Says: cmp.Or(cl.Comm, "a client") + " " + shortArgs(cl) + " was waiting when the job came"}}
	return w
}

func (c *Correlator) requesterOf(j *job) *Client {
	if a := c.asking(j); a.first != nil {
		if a.causes || a.verbs && j.type_() == "" {
			return nil // they ask for different things, and nothing tells which this job is
		}
		return a.first
	}
	for i := range c.seen {
		s := &c.seen[i]
		if s.first <= j.firstAt && j.firstAt-s.last < seenFor && c.fits(&s.Client, j) && c.outright(&s.Client, j.unit.name) && !c.spent(&s.Client, j) {
			cl := s.Client // what is remembered moves
			return &cl
		}
	}
	return nil
}

func shortArgs(cl *Client) string {
	args := append([]string{cl.Verb}, cl.Units[:min(len(cl.Units), 3)]...)
	if len(cl.Units) > 3 {
		args = append(args, "…")
	}
	return strings.Join(args, " ")
}

// askedBy says what kind of asking it was: package wins over automation, which
// wins over manual.
func (c *Correlator) askedBy(cl *Client) *why {
	w := &why{cause: CauseManual, client: cl, requester: requesterOf(cl)}
	switch {
	case slices.ContainsFunc(cl.Via, isPackageManager) || isPackageManager(cl.Comm):
		w.cause = CausePackage
	case c.inService(cl):
		w.cause = CauseAutomation
		w.trigger = &Trigger{Unit: cl.Unit, Relation: "automation"}
	}
	return w
}

func requesterOf(cl *Client) *Requester {
	uid := cl.UID
	return &Requester{PID: cl.PID, Comm: cl.Comm, Cmdline: cl.Cmdline, UID: &uid, User: cl.User,
		LoginUser: cl.LoginUser, Unit: cl.Unit, Via: cl.Via}
}

// isPackageManager knows the comms (cut at 15 bytes by the kernel) of package managers.
func isPackageManager(comm string) bool {
	switch comm {
	case "dpkg", "apt", "apt-get", "aptitude", "unattended-upgr", "rpm", "dnf", "dnf5", "dnf-3", "yum", "microdnf",
		"zypper", "pacman", "needrestart", "packagekitd", "dnf-automatic", "rpm-ostree", "apk", "xbps-install", "emerge":
		return true
	}
	return false
}

// fits says whether a client's command line asks for this job.
func (c *Correlator) fits(cl *Client, j *job) bool {
	if at := j.effect(); at != 0 && cl.Started > at {
		return false // it came later, as the restart after a quick start does
	}
	switch cl.Verb {
	case "reboot", "poweroff", "halt", "kexec", "soft-reboot", "exit", "shutdown", "rescue", "emergency", "default":
		return j.unit.name == verbTarget(cl.Verb)
	case "run":
		return j.unit.config.Transient && (len(cl.Units) == 0 || c.named(cl, j)) && startLike(j)
	case "call":
		return c.named(cl, j)
	}
	return verbFits(cl.Verb, j) && c.named(cl, j)
}

func verbTarget(verb string) string {
	if verb == "shutdown" {
		verb = "poweroff"
	}
	return verb + ".target"
}

func startLike(j *job) bool {
	t := j.type_()
	return t == "" || t == ActionStart || t == ActionNop
}

// verbFits knows which jobs each of systemctl's verbs can make (systemctl(1)).
func verbFits(verb string, j *job) bool {
	t := j.type_()
	if j.autoAsked && verb == ActionStart {
		return true // a start that came inside RestartSec becomes the restart (252)
	}
	if t == "" || t == ActionNop {
		return verb != "kill" && verb != ""
	}
	return slices.Contains(verbJobs[verb], t)
}

var verbJobs = map[string][]string{
	"start":                 {ActionStart},
	"stop":                  {ActionStop},
	"restart":               {ActionRestart, ActionStart},
	"try-restart":           {ActionRestart},
	"condrestart":           {ActionRestart},
	"reload":                {ActionReload},
	"reload-or-restart":     {ActionReload, ActionRestart, ActionStart},
	"force-reload":          {ActionReload, ActionRestart, ActionStart},
	"try-reload-or-restart": {ActionReload, ActionRestart},
	"reload-or-try-restart": {ActionReload, ActionRestart},
	"isolate":               {ActionStart},
	"enable":                {ActionStart},
	"reenable":              {ActionStart},
	"preset":                {ActionStart},
	"unmask":                {ActionStart},
	"disable":               {ActionStop},
	"mask":                  {ActionStop},
	"clean":                 {ActionStop},
	"set-property":          nil,
}
