package token

// Skipped says why keys of the document are not used, by their index in it.
func (s *KeySet) Skipped() map[int]error { return s.skipped }
