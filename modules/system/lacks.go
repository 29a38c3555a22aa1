package system

import (
	"context"

	"oms/platform/module"
)

// Lacks is what the modules of this process need to be of use. What cannot be found out is in the log.
func (s *System) Lacks(ctx context.Context) (lacks []module.Lack) {
	for _, name := range s.config.Stateful() {
		if s.hosted[name].Lacks == nil {
			continue
		}
		lack, err := s.hosted[name].Lacks(ctx)
		if err != nil {
			s.log.WarnContext(ctx, "it cannot be told what a module lacks", "module", name, "cause", err)
		} else if lack != nil {
			lacks = append(lacks, *lack)
		}
	}
	return lacks
}
