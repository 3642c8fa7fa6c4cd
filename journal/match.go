package journal

import (
	"slices"
	"strconv"
	"strings"

	"sdwhy/enrich"
)

// Message ids of systemd-sleep (systemd src/systemd/sd-messages.h).
const (
	msgSleepStart = "6bbd95ee977941e497c48be27c254128"
	msgSleepStop  = "8811e6df2a8e40f58a94cea26f8ebf14"
)

// A term is a list of FIELD=value: values of one field are alternatives,
// different fields must all hold (sd_journal_add_match(3)).
type term []string

func (t term) and(more ...string) term { return append(t[:len(t):len(t)], more...) }

func id(ids ...string) term {
	var t term
	for _, i := range ids {
		t = append(t, "MESSAGE_ID="+i)
	}
	return t
}

// followTerms is what is followed live, the manager's own entries and the rest: alternatives,
// each answered by the journal's index alone, so that a busy host's other lines are
// never looked at.
func followTerms(m manager) (own, rest []term) {
	rest = []term{
		spawnTerm(m),
		coredumpTerm(m),
	}
	return []term{m.origin()}, append(rest, contextTerms(m)...)
}

func spawnTerm(m manager) term {
	t := id(enrich.MsgSpawnFailed)
	if m.user {
		t = t.and("_SYSTEMD_UNIT=" + m.service())
	}
	return t
}

func coredumpTerm(m manager) term {
	t := id(enrich.MsgCoredump)
	if m.user {
		t = t.and("COREDUMP_UID=" + m.uid)
	}
	return t
}

// contextTerms is what concerns no unit by name but bears on causes. Of the
// kernel's lines, the OOM killer's are err (3) and info (6): leaving out warning
// (4) keeps a packet filter's log away.
func contextTerms(m manager) []term {
	terms := []term{
		{"_SYSTEMD_UNIT=systemd-oomd.service"},
		{"_SYSTEMD_UNIT=systemd-logind.service"},
		id(msgSleepStart, msgSleepStop).and("_UID=0"),
		{"_TRANSPORT=kernel", "SYSLOG_IDENTIFIER=kernel", "PRIORITY=3", "PRIORITY=6"},
		{"_TRANSPORT=driver", "MESSAGE_ID=" + enrich.MsgJournalStart, "MESSAGE_ID=" + enrich.MsgJournalDropped},
	}
	if m.user {
		return append(terms, term{"_SYSTEMD_UNIT=" + m.service(), "_SYSTEMD_USER_UNIT=dbus.service", "SYSLOG_IDENTIFIER=dbus-daemon"})
	}
	return append(terms,
		term{"_TRANSPORT=kernel", "SYSLOG_IDENTIFIER=systemd"},
		term{"_SYSTEMD_UNIT=dbus.service", "SYSLOG_IDENTIFIER=dbus-daemon"},
		term{"SYSLOG_IDENTIFIER=sudo", "_COMM=sudo"},
	)
}

// queryTerms is what a Query asks for, its unit names already expanded.
func queryTerms(q Query, m manager) []term {
	var terms []term
	switch {
	case q.Invocation != "":
		terms = []term{ownTerm(m, "", q.Invocation)}
	case q.Context:
		terms = append(contextTerms(m), m.origin().and(id(enrich.MsgStartupFinished, enrich.MsgUserStartup)...))
	case len(q.Units) > 0:
		terms = unitTerms(q, m)
	default:
		terms = []term{m.origin(), spawnTerm(m), coredumpTerm(m), id(enrich.MsgVerdict)}
	}
	return narrow(terms, q)
}

func unitTerms(q Query, m manager) []term {
	of := func(t term, f field) term {
		for _, u := range q.Units {
			t = t.and(fieldNames[f] + "=" + u)
		}
		return t
	}
	return []term{
		of(m.origin(), m.unitField()),
		of(spawnTerm(m), m.unitField()),
		of(coredumpTerm(m), m.coreUnit()),
		of(id(enrich.MsgVerdict), fEventUnit),
	}
}

// narrow adds the query's conditions to each term; a term that has message ids
// of its own keeps those that the query asks for, or falls away.
func narrow(terms []term, q Query) []term {
	var more term
	if q.Boot != "" {
		more = more.and("_BOOT_ID=" + q.Boot)
	}
	for _, j := range q.Jobs {
		more = more.and("JOB_ID=" + strconv.FormatUint(uint64(j), 10))
	}
	var kept []term
	for _, t := range terms {
		if t = t.restrict(q.IDs); t != nil {
			kept = append(kept, t.and(more...))
		}
	}
	return kept
}

// restrict gives the term for the given message ids only, nil when none is left.
func (t term) restrict(ids []string) term {
	if len(ids) == 0 {
		return t
	}
	var rest, own term
	for _, m := range t {
		if v, ok := strings.CutPrefix(m, "MESSAGE_ID="); !ok {
			rest = append(rest, m)
		} else if slices.Contains(ids, v) {
			own = append(own, m)
		}
	}
	switch {
	case len(rest) == len(t):
		return rest.and(id(ids...)...)
	case len(own) == 0:
		return nil
	}
	return append(rest, own...)
}

// ownTerm is the lines that a unit's own processes logged in one run.
func ownTerm(m manager, unit, invocation string) term {
	t := term{"_SYSTEMD_INVOCATION_ID=" + invocation}
	if unit != "" {
		t = t.and(fieldNames[m.ownUnit()] + "=" + unit)
	}
	return t
}
