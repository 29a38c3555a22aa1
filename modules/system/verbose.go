package system

import (
	"fmt"
	"slices"
	"time"

	"oms/modules/sts"
	"oms/platform/config"
	"oms/platform/rpc"
)

// verbose is what /readyz?verbose shows: how each module is reached by those of this process that call it, what clients do not like of the certificate, why no users
// are let in, where that is so, and how much room each database has.
func (s *System) verbose() []string {
	return slices.Concat(s.arrows(), s.certificateTrouble(), s.usersRefused(), s.databasesTold())
}

// arrows are lines that say how the modules of this process reach those that they call, and how that goes.
func (s *System) arrows() (lines []string) {
	for _, callee := range s.config.callees() {
		for _, caller := range s.config.names() {
			calls := slices.Contains(s.config.module(callee).Callers(), caller) || callee == sts.Name && s.config.Split() // all need certificates from it
			if caller == callee || !s.config.Hosts(caller) || !calls {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s -> %s  %s%s", caller, callee, s.describe(callee), s.going(caller, callee)))
		}
	}
	return lines
}

// going is how the calls of one module to another one go.
func (s *System) going(caller, callee string) string {
	s.mu.Lock()
	reached := s.links[caller+" "+callee]
	s.mu.Unlock()
	standing := rpc.StandingOf(reached.Conn)
	switch {
	case s.describe(callee) == unassigned: // no call ever leaves
		return ""
	case standing == nil:
		return "  not called yet"
	case standing.Trouble != "":
		return "  fails since " + standing.Since.UTC().Format(time.RFC3339) + ": " + standing.Trouble
	}
	return "  works since " + standing.Since.UTC().Format(time.RFC3339)
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
