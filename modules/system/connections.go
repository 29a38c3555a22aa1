package system

import (
	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/connections"
)

// How many connections a process has at once, for what others than this machine can reach.
const (
	// mostConnections is for all such listeners together; unused ones cost some 25 KB each, 75 MB in all.
	mostConnections = 3000
	// mostPerAddress is a third of that: many people behind one address have room, and one host cannot take all.
	mostPerAddress = mostConnections / 3
	// fewestConnections is what a listener has in any case.
	fewestConnections = 16
	// adminConnections is for probes and collectors of this machine.
	adminConnections = 32
	// keptDescriptors are for the admin listener, and for the log, the listeners and connections to other processes.
	keptDescriptors = adminConnections + 32
	// keptForDatabase are for one database: its writer and its readers have two files open each.
	keptForDatabase = 32
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
	return connections.Bounds{All: each, PerAddress: min(each, mostPerAddress), Address: connections.Host}, nil
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
