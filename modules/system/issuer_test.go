package system_test

import (
	"strings"
	"testing"

	"oms/platform/config"
)

func TestABadIssuerIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "jwks.json", "{}")
	cases := []struct{ change, text string }{
		{`issuer: ""`, "issuer: is missing"},
		{`issuer: a|b`, "must not hold |"},
		{`issuer: "a b"`, "space or a control character"},
		{`issuer: "a\nb"`, `"a\nb" holds a space`},
		{`issuer: https://localhost:9090`, "is server.public_url"},
		{`audience: ""`, "audience: is missing"},
		{`jwks_file: ""`, "jwks_file: is missing"},
		{`jwks_file: none.json`, "no such file"},
		{`jwks_file: .`, "is a directory"},
		{`algorithms: []`, "no token would be accepted"},
		{`algorithms: [none]`, `"none" is not accepted`},
		{`algorithms: [RS256, HS512]`, `"HS512" is not accepted`},
		{`types: []`, "no token would be accepted"},
		{`types: [""]`, "types: is missing"},
		{`max_lifetime: 0s`, "from 1s to 175200h"},
		{`max_lifetime: 175201h`, "from 1s to 175200h"},
		{`max_lifetime: 24`, "not a duration"},
		{`scope_claim: ""`, "scope_claim: is missing"},
		{`scopes: ["add order"]`, "is not a scope"},
		{`scopes: ['a"b']`, "is not a scope"},
		{`scopes: [""]`, "is not a scope"},
		{`scope: add_order`, "trust.issuers[0].scope: unknown key; the nearest known key is trust.issuers[0].scopes"},
		{`types: {a: b}`, "takes a list"},
		{`issuer: [a]`, "takes one value"},
	}
	for _, c := range cases {
		t.Run(c.change, func(t *testing.T) {
			issuer := map[string]string{"issuer": "wso2", "audience": "ballerina", "jwks_file": "jwks.json"}
			key, value, _ := strings.Cut(c.change, ": ")
			issuer[key] = value
			var text strings.Builder
			for key, value := range issuer {
				text.WriteString(key + ": " + value + ", ")
			}
			refused(t, c.text, config.LoadOptions{WorkDir: dir, Embedded: []byte("trust.issuers: [{" + text.String() + "}]")})
		})
	}
	refused(t, `trust.issuers[1].issuer: "a" is listed twice`, config.LoadOptions{WorkDir: dir, Embedded: []byte(
		"trust.issuers: [{issuer: a, audience: x, jwks_file: jwks.json}, {issuer: a, audience: y, jwks_file: jwks.json}]")})
}
