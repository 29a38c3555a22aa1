package internal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"oms/platform/secret"
)

// The most that a stored hash may cost to compare: the second choice of RFC 9106, section 4, with passes and lanes to
// spare. A row of the database that says more would take the memory or the time of the process with every sign-in.
const (
	maxArgonMemory = 64 * 1024 // KiB
	maxArgonPasses = 8
	maxArgonLanes  = 4
)

// The shortest salt of RFC 9106, section 3.1, and the longest that is believed.
const (
	minSalt = 8
	maxSalt = 64
)

var errPasswordHash = errors.New("the stored password is not an argon2id hash that this program knows")

// passwordHash is what a stored password says.
type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// text is the hash in the PHC string format.
func (h passwordHash) text() secret.Text {
	encode := base64.RawStdEncoding.EncodeToString
	return secret.Text(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, encode(h.salt), encode(h.key)))
}

// parsePasswordHash reads what [passwordHash.text] gave, and nothing that only looks like it.
func parsePasswordHash(text secret.Text) (h passwordHash, err error) {
	parts := strings.Split(text.Reveal(), "$")
	if len(parts) != 6 {
		return h, errPasswordHash
	}
	_, costErr := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes)
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case errors.Join(costErr, saltErr, keyErr) != nil, h.text() != text,
		h.memory > maxArgonMemory, h.passes < 1, h.passes > maxArgonPasses, h.lanes < 1, h.lanes > maxArgonLanes,
		len(h.salt) < minSalt, len(h.salt) > maxSalt, len(h.key) != argonKey:
		return passwordHash{}, errPasswordHash
	}
	return h, nil
}
