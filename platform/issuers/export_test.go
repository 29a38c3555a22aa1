package issuers

// Remembered is how many tokens are remembered.
func (a Accepted) Remembered() int { return len(a.verified.tokens) }
