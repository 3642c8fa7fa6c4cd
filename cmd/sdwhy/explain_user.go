package main

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"sdwhy/enrich"
)

// ownManager is what --user alone stands for: the manager of who calls.
const ownManager = "own"

// userManager makes what --user says (a uid, a name, or whoever calls) the name of all
// managers that the user ever had, as journal.Query takes it.
func userManager(typed string) (string, error) {
	uid := typed
	switch _, err := strconv.ParseUint(typed, 10, 32); {
	case typed == "":
		return "", nil
	case typed == ownManager:
		uid = strconv.Itoa(os.Getuid())
	case err != nil:
		u, err := user.Lookup(typed)
		if err != nil {
			return "", usagef("give a name that this machine knows, or the uid: --user=1000", "no such user: %s", typed)
		}
		uid = u.Uid
	}
	return "user-" + uid, nil
}

// ours says whether this process can ask the manager itself: the system's, or that of who calls.
func ours(manager string) bool {
	return manager == "" || manager == "user-"+strconv.Itoa(os.Getuid())
}

// A life is that of a manager: job ids are unique in it. The system's lasts as long as the
// boot; a user's begins anew with each login, and its pid tells it from the others.
type life struct {
	boot string
	pid  int // of a user's manager
}

// life is that of the manager that wrote an entry.
func (m *memory) life(e enrich.Entry) life {
	if m.user == "" {
		return life{boot: e.BootID}
	}
	return life{e.BootID, e.PID}
}

// named is the manager's name in ids.
func (m *memory) named(l life) string {
	if m.user == "" {
		return "system"
	}
	return fmt.Sprint(m.user, "-", l.pid)
}

// tells says whether a verdict is of the manager that is asked about.
func (m *memory) tells(manager string) bool {
	if m.user == "" {
		return manager == "system"
	}
	return strings.HasPrefix(manager, m.user+"-")
}

// lives are the entries by the manager that they are of, in order. What others logged is of
// the manager that had begun last.
func (m *memory) lives() map[life][]*enrich.Entry {
	all := make([]*enrich.Entry, 0, len(m.entries))
	for _, e := range m.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, inOrder)
	lives := map[life][]*enrich.Entry{}
	var newest life
	for _, e := range all {
		l := m.life(*e)
		switch {
		case e.Source == enrich.SourceManager && lives[l] == nil:
			newest = l
		case e.Source != enrich.SourceManager && newest.boot == e.BootID:
			l = newest
		}
		lives[l] = append(lives[l], e)
	}
	return lives
}

// inOrder compares entries by boot and time, and where that is the same by their place in the file.
func inOrder(a, b *enrich.Entry) int {
	if by := cmp.Or(strings.Compare(a.BootID, b.BootID), cmp.Compare(a.Mono, b.Mono)); by != 0 {
		return by
	}
	return cmp.Compare(sequence(a.Cursor), sequence(b.Cursor))
}
