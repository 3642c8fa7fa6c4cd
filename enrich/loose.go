package enrich

const keptLoose = 24 // entries without a job kept a unit, oldest dropped

// keepLoose keeps an entry that names no job until it shows what it belongs to.
func (u *unit) keepLoose(e Entry) {
	if provesEnd(e) || isClientKill(e) { // what else there is, much of it when all is over, no verdict rests on
		u.looseFrom = earlier(u.looseFrom, u.read)
	}
	u.loose = append(u.loose, e)
	if len(u.loose) > keptLoose {
		u.loose = u.loose[1:]
	}
}

// takeLoose hands over what was kept, and which of the unit's entries was the first.
func (u *unit) takeLoose() (entries []Entry, from uint64) {
	entries, from = u.loose, u.looseFrom
	u.loose, u.looseFrom = nil, 0
	return entries, from
}

// looseLike finds the last entry without a job id that fits.
func looseLike(entries []Entry, fits func(Entry) bool) *Entry {
	for i := len(entries) - 1; i >= 0; i-- {
		if fits(entries[i]) {
			return &entries[i]
		}
	}
	return nil
}
