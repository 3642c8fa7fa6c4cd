package riemann

// recentIDs is how many acknowledged events are remembered, on disk too, so that
// the same event offered again, rebuilt from the journal after a crash, is not sent again.
const recentIDs = 16384

// ids knows the events that are queued, and the last recentIDs that were acknowledged.
type ids struct {
	known  map[eventID]struct{}
	recent []eventID // by slot, at most recentIDs; zero where there is none yet
	next   uint64    // acknowledged so far; modulo recentIDs it is the next slot
}

func newIDs() ids {
	return ids{known: map[eventID]struct{}{}}
}

// learn takes in a queued event's id, and says whether it was new.
func (s *ids) learn(id eventID) bool {
	if _, ok := s.known[id]; ok {
		return false
	}
	s.known[id] = struct{}{}
	return true
}

// forget lets an event that was dropped be offered again.
func (s *ids) forget(id eventID) { delete(s.known, id) }

// remember keeps an acknowledged id in its slot and forgets the one that was there.
func (s *ids) remember(slot uint32, id eventID) {
	slot %= recentIDs // one that was read from the disk need not be in bounds
	if missing := int(slot) + 1 - len(s.recent); missing > 0 {
		s.recent = append(s.recent, make([]eventID, missing)...)
	}
	if old := s.recent[slot]; old != id {
		delete(s.known, old)
	}
	s.recent[slot] = id
	s.known[id] = struct{}{}
}

func (s *ids) acked(list []eventID) {
	for _, id := range list {
		s.remember(uint32(s.next%recentIDs), id)
		s.next++
	}
}
