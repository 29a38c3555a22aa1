package pki

// Known is how many certificates are remembered.
func (p *Peers) Known() int {
	t := p.trusted.Load()
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.known)
}

// MaxKnown bounds it.
const MaxKnown = maxKnown
