package system

import (
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
