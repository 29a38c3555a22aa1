package system

import (
	"fmt"
	"slices"

	"oms/platform/config"
)

// verbose is what /readyz?verbose shows: how each module is reached, what clients do not like of the certificate, why no users
// are let in, where that is so, and how much room each database has.
func (s *System) verbose() []string {
	return slices.Concat(s.Reached, s.certificateTrouble(), s.usersRefused(), s.databasesTold())
}

// databasesTold are lines that say how much room each database has.
func (s *System) databasesTold() (lines []string) {
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
