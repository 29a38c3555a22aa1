package system

import (
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/connections"
	"oms/platform/limits"
)

// How many connections a process has at once, for what others than this machine can reach.
const (
	// mostConnections is for all such listeners together; unused ones cost some 25 KB each, 75 MB in all.
	mostConnections = 3000
	// shareOfAddress is one part of so many that one address has of a listener's: many people behind it have room, and one
	// host cannot take all.
	shareOfAddress = 3
	// fewestConnections is what a listener has in any case.
	fewestConnections = 16
	// moduleStrangers are those without a certificate at a module's listener, where workloads enrol one request each. They
	// can hold more than at the public listener, which has a budget for each address, and what they hold fits 64 MB.
	moduleStrangers = 256
	// adminConnections is for probes and collectors of this machine.
	adminConnections = 32
	// keptDescriptors are for the admin listener, and for the log, the listeners and connections to other processes.
	keptDescriptors = adminConnections + 32
	// keptForDatabase are for one database: its writer and its readers have two files open each.
	keptForDatabase = 32
	// grace is what a handshake and the head of a request need. So a listener of 3,000 connections takes 15,000 new ones a
	// second, more than there can be handshakes, and the admin listener 160.
	grace = 200 * time.Millisecond
)

// bounds are those of each of so many listeners: all have the same share, so that strangers at one of them cannot take the
// place of the modules at another.
func (s *System) bounds(listeners int) (connections.Bounds, error) {
	descriptors, err := connections.Descriptors()
	if err != nil {
		return connections.Bounds{}, err
	}
	all := min(mostConnections, descriptors-keptDescriptors-keptForDatabase*len(s.databases))
	each := max(fewestConnections, all/max(1, listeners))
	return connections.Bounds{All: each, Strangers: each, PerAddress: each / shareOfAddress, Address: s.addressOf, Grace: grace}, nil
}

// addressOf is whom a connection counts for; one of a trusted proxy, behind which there are many, is nobody's.
func (s *System) addressOf(remote net.Addr) string {
	if s.proxies.Has(remote.String()) {
		return ""
	}
	return limits.AddressKey(remote.String())
}

// adminBounds are those of the admin listener, whose clients all have one address.
func adminBounds() connections.Bounds {
	nobody := func(net.Addr) string { return "" }
	return connections.Bounds{All: adminConnections, Strangers: adminConnections, Address: nobody, Grace: grace}
}

// table is the connections of a listener, with their metrics.
func (s *System) table(listener string, b connections.Bounds) *connections.Table {
	table, labels := connections.New(b), prometheus.Labels{"listener": listener}
	s.metrics.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "oms_connections", Help: "Connections that are open.", ConstLabels: labels,
		}, func() float64 { return float64(table.Counts().Open) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "oms_connections_closed_total", Help: "Connections without a request that were closed to make room.", ConstLabels: labels,
		}, func() float64 { return float64(table.Counts().Evicted) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "oms_connections_refused_total", Help: "Connections that were closed at once for want of room.", ConstLabels: labels,
		}, func() float64 { return float64(table.Counts().Refused) }),
	)
	return table
}
