package observe

import "github.com/prometheus/client_golang/prometheus"

// Sampled is a metric that is measured when somebody looks: one value for each label.
type Sampled struct {
	description *prometheus.Desc
	sample      func() (map[string]float64, error)
}

var _ prometheus.Collector = (*Sampled)(nil)

// NewSampled makes a gauge with one label. sample gives the value for each of its values; it must be quick.
func NewSampled(name, help, label string, sample func() (map[string]float64, error)) *Sampled {
	return &Sampled{prometheus.NewDesc(name, help, []string{label}, nil), sample}
}

// Describe tells the metric's name.
func (s *Sampled) Describe(to chan<- *prometheus.Desc) { to <- s.description }

// Collect measures. What cannot be measured now is reported as an error of the scrape.
func (s *Sampled) Collect(to chan<- prometheus.Metric) {
	values, err := s.sample()
	if err != nil {
		to <- prometheus.NewInvalidMetric(s.description, err)
		return
	}
	for label, value := range values {
		to <- prometheus.MustNewConstMetric(s.description, prometheus.GaugeValue, value, label)
	}
}
