package systemtest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"oms/modules/system"
	"oms/platform/lifecycle"
	"oms/platform/observe/observetest"
)

// process serves the modules of a configuration as the command does.
type process struct {
	config  system.Config
	log     *observetest.Log // since it was started last
	address string           // of the public listener, where it has one
	admin   string           // of its admin listener
	ready   chan struct{}    // closed when everything has been started
	ended   chan error
	cancel  func() // nil while it does not run
}

// start starts it and waits until it is ready.
func (p *process) start() error {
	if err := p.begin(); err != nil {
		return err
	}
	select {
	case <-p.ready:
		return nil
	case err := <-p.ended:
		p.cancel()
		p.cancel = nil
		return fmt.Errorf("the system did not start: %w", err)
	}
}

// begin starts it and waits for nothing.
func (p *process) begin() error {
	p.log, p.ready, p.ended = &observetest.Log{}, make(chan struct{}), make(chan error, 1)
	log := p.log.Logger(slog.LevelDebug)
	ctx, cancel := context.WithCancel(context.Background())
	system, err := system.Open(ctx, p.config, system.Options{}, log)
	if err != nil {
		cancel()
		return err
	}
	parts, err := system.Parts(func(name string, at net.Addr) {
		switch name {
		case "public":
			p.address = at.String()
		case "admin":
			p.admin = at.String()
		}
	})
	if err != nil {
		cancel()
		return err
	}
	parts = append(parts, lifecycle.Part{Name: "ready", Start: func(context.Context) error { close(p.ready); return nil }})
	go func() { p.ended <- lifecycle.Run(ctx, log, 10*time.Second, parts...) }()
	p.cancel = cancel
	return nil
}

// stop stops it, if it runs.
func (p *process) stop() error {
	if p.cancel == nil {
		return nil
	}
	p.cancel()
	p.cancel = nil
	return <-p.ended
}
