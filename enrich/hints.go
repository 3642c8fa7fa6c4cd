package enrich

import (
	"slices"
	"strconv"
	"strings"
)

// hint is an entry that may explain a job of another unit: a bus activation, a
// sudo line, a unit that triggers its handlers, an automount request.
type hint struct{ entry Entry }

// keptHints bounds them. A start that comes when there are more may have been one's.
const keptHints = 256

func (c *Correlator) hint(e Entry) {
	if len(c.hints) == keptHints {
		if c.hints[0].entry.Source != SourceSudo { // who asked is all that sudo tells
			c.hintLost = max(c.hintLost, c.hints[0].entry.Time)
		}
		c.hints = slices.Delete(c.hints, 0, 1)
	}
	c.hints = append(c.hints, hint{e})
}

// hintsLost says whether a hint that explains a job may have been forgotten.
func (c *Correlator) hintsLost(j *job) bool {
	return c.hintLost != 0 && j.newTime-c.hintLost < nearby && c.startsSomething(j)
}

// hinted finds the newest hint from just before a job that fits.
func (c *Correlator) hinted(j *job, fits func(hint) bool) *hint {
	for i := len(c.hints) - 1; i >= 0; i-- {
		h := &c.hints[i]
		if h.entry.Time <= j.newTime+settling && j.newTime-h.entry.Time < nearby && fits(*h) {
			return h
		}
	}
	return nil
}

// settling is how far the stamps of two processes for one cause may be apart, µs.
const settling = 20_000

// byBus: dbus-daemon says for whom it activates (dbus-broker says nothing; evidence §4.7).
func (c *Correlator) byBus(j *job) *why {
	if !c.startsSomething(j) {
		return nil
	}
	h := c.hinted(j, func(h hint) bool {
		return h.entry.Source == SourceBus && h.entry.Time <= j.newTime && strings.Contains(h.entry.Message, "Activating via systemd") &&
			namesOneOf(quoted(h.entry.Message, "unit"), j)
	})
	if h == nil {
		return nil
	}
	return &why{cause: CauseBus, trigger: &Trigger{Unit: "dbus.service", Relation: "dbus"},
		requester: busRequester(h.entry.Message), evidence: []Evidence{journalProof(h.entry)}}
}

func namesOneOf(name string, j *job) bool {
	return name != "" && (name == j.unit.name || slices.Contains(j.unit.config.Names, name))
}

// quoted takes the value of key='value' or key="value" out of dbus-daemon's text.
func quoted(message, key string) string {
	_, rest, ok := strings.Cut(message, " "+key+"=")
	if !ok {
		_, rest, ok = strings.Cut(message, "("+key+"=")
	}
	if !ok || rest == "" {
		return ""
	}
	if q := rest[:1]; q == "'" || q == `"` {
		value, _, _ := strings.Cut(rest[1:], q)
		return value
	}
	value, _, _ := strings.Cut(strings.TrimRight(rest, ")"), " ")
	return value
}

// busRequester reads "requested by ':1.9' (uid=0 pid=42 comm="busctl call …")".
func busRequester(message string) *Requester {
	r := &Requester{}
	if uid, err := strconv.ParseUint(quoted(message, "uid"), 10, 32); err == nil {
		r.UID = ptr(uint32(uid))
	}
	if pid, err := strconv.Atoi(quoted(message, "pid")); err == nil {
		r.PID = pid
	}
	r.Comm, _, _ = strings.Cut(quoted(message, "comm"), " ")
	if r.UID == nil && r.PID == 0 {
		return nil
	}
	return r
}

// bySudo fills in for a client that was gone when /proc was looked at.
func (c *Correlator) bySudo(j *job) *why {
	var cl *Client
	h := c.hinted(j, func(h hint) bool {
		if h.entry.Source != SourceSudo {
			return false
		}
		cl = sudoClient(h.entry)
		return cl != nil && c.fits(cl, j) && cl.Verb != "call"
	})
	if h == nil {
		return nil
	}
	return &why{cause: CauseManual, requester: &Requester{Comm: "systemctl", Cmdline: cl.Cmdline, User: cl.User, LoginUser: cl.LoginUser, Via: []string{"sudo"}},
		evidence: []Evidence{journalProof(h.entry)}}
}

// sudoClient reads "alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/systemctl restart x".
func sudoClient(e Entry) *Client {
	who, rest, ok := strings.Cut(e.Message, " : ")
	_, command, found := strings.Cut(rest, "COMMAND=")
	args := strings.Fields(command)
	if !ok || !found || len(args) < 2 || !strings.HasSuffix(args[0], "systemctl") {
		return nil
	}
	cl := &Client{PID: e.PID, Comm: "systemctl", Cmdline: command, User: quoted(rest+" ", "USER"), LoginUser: strings.TrimSpace(who)}
	for _, a := range args[1:] {
		switch {
		case a == "--user":
			return nil // it asks another manager
		case strings.HasPrefix(a, "-"):
		case cl.Verb == "":
			cl.Verb = a
		default:
			cl.Units = append(cl.Units, mangle(a))
		}
	}
	return cl
}

// mangle completes a unit name as systemctl does: a service unless it says otherwise.
func mangle(name string) string {
	switch kind(name) {
	case "service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device":
		return name
	}
	return name + ".service"
}
