package system

import (
	"fmt"
	"slices"

	"oms/platform/config"
	"oms/platform/observe"
)

// diskFree measures what is free where the databases are.
func (s *System) diskFree() *observe.Sampled {
	return observe.NewSampled("oms_database_disk_free_bytes", "What is free on the disk of a module's database.", "module", func() (map[string]float64, error) {
		free := map[string]float64{}
		for module, db := range s.databases {
			if bytes, known := db.Free(); known {
				free[module] = float64(bytes)
			}
		}
		return free, nil
	})
}

// verbose is what /readyz?verbose shows: how each module is reached, why no users are let in, where that is so, and how much
// room each database has.
func (s *System) verbose() []string {
	lines := append(slices.Clone(s.Reached), s.usersRefused()...)
	for _, module := range s.config.Stateful() {
		db, least := s.databases[module], s.config.Database.MinFree
		free, known := db.Free()
		line := fmt.Sprintf("%s database: %d MiB free on its disk", module, config.Size(free)/config.MiB)
		switch {
		case !known:
			line = module + " database: the system does not tell what is free on its disk"
		case db.Room() != nil:
			line += fmt.Sprintf(", and nothing is added below %s (database.min_free)", least)
		}
		lines = append(lines, line)
	}
	return lines
}
