// Package internal holds the rules and the storage of the inventory. It trusts no check of its callers: that a row
// has authorised a call says who may make it, not that its content makes sense.
package internal

import (
	"oms/modules/inventory"
	"oms/platform/module"
)

// Options are what the module needs. Its clock says when stock was moved, and how long ago that is.
type Options struct {
	module.Env
	Settings
}

// Service implements [inventory.Service] on its own database. It is safe for concurrent use.
type Service struct{ Options }

var _ inventory.Service = (*Service)(nil)

// New makes the service. What it no longer needs is removed by [Service.Pruner].
func New(o Options) *Service { return &Service{o} }
