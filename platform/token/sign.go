package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"oms/platform/strictjson"
)

// Sign makes a token of the given typ. claims is a struct or map that marshals to a JSON object; what they must say is
// the business of the caller, and [NumericDate] writes their dates. It fails for a zero key, for a typ that is not
// printable ASCII, and for claims that [Issuer.Verify] could not read: not an object, a duplicate member, too long.
func Sign(key SigningKey, typ string, claims any) (string, error) {
	if key.private == nil {
		return "", errors.New("sign a token: there is no signing key")
	}
	if !printable(typ, maxType) {
		return "", errors.New("sign a token: typ must be 1 to 128 printable ASCII characters")
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	value, err := strictjson.Parse(payload)
	if err != nil {
		return "", fmt.Errorf("sign a token: the claims: %w", err)
	}
	if value.Kind() != strictjson.Object {
		return "", fmt.Errorf("sign a token: the claims must be a JSON object, not %s", value.Kind())
	}
	header, err := json.Marshal(struct {
		Alg Algorithm `json:"alg"`
		Kid string    `json:"kid"`
		Typ string    `json:"typ"`
	}{key.Algorithm(), key.ID(), typ})
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	text := append(base64.RawURLEncoding.AppendEncode(nil, header), '.')
	text = base64.RawURLEncoding.AppendEncode(text, payload)
	signature, err := key.Algorithm().method().Sign(string(text), key.private())
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	text = base64.RawURLEncoding.AppendEncode(append(text, '.'), signature)
	if len(text) > MaxLength {
		return "", fmt.Errorf("sign a token: it would be %d bytes long; at most %d are accepted anywhere", len(text), MaxLength)
	}
	return string(text), nil
}
