package internal

import (
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/web"
)

// DemoUsers are the accounts of the demo. The password of each is its name and "-demo": everybody knows them, which
// is why they are good on loopback only, and only while the demo is enabled.
func DemoUsers() []sts.User {
	user := func(name, full string, scopes ...string) sts.User {
		return sts.User{Name: name, FullName: full, Email: name + "@example.com", Scopes: identity.NewScopes(scopes...), Demo: true}
	}
	return []sts.User{
		user("alice", "Alice", "add_order"),
		user("bob", "Bob", "add_order"),
		user("counter", "Clerk at the counter", "add_order"),
		user("admin", "Administrator", "add_order", "update_order", "cancel_order", "fulfil_order", "view_orders", "manage_inventory"),
	}
}

// demoPassword is the password of a demo user.
func demoPassword(name string) string { return name + "-demo" }

// demoHashes are their passwords, hashed ahead: what everybody knows needs no salt of its own, and a first start no time.
var demoHashes = map[string]secret.Text{
	"alice":   "$argon2id$v=19$m=19456,t=2,p=1$lWRxfXiA+XT1RiUMPV8PFA$ZpNbjl8TFWV1fE9V3M0HJGjD2naViJiQ871O2DLV+z0",
	"bob":     "$argon2id$v=19$m=19456,t=2,p=1$GT4uxjx7+lb/H7KYJmeD1g$CZOchwGLKOHHUzKiVRmOYD4MpkPnxM5b4QDZt8/U4Gs",
	"counter": "$argon2id$v=19$m=19456,t=2,p=1$1+dM68u7XKmFiDNhtTEr7Q$6GCQKoG0jI9dKJLUpKM1vLMpkhNBOejcVHI9k7ukXFQ",
	"admin":   "$argon2id$v=19$m=19456,t=2,p=1$DEH2atoj9Wuezb2Cm8nvqw$uyDFKkOfgZN7m8e/0BdM7FOWL7ijOKV2yXE6x7q5BZU",
}

// may says in plain words what a scope allows.
var may = map[string]string{
	"add_order": "place orders", "update_order": "change any order", "cancel_order": "cancel any order",
	"fulfil_order": "send orders out", "view_orders": "see everybody's orders", "manage_inventory": "look after the stock",
}

// demoCards are the demo users as the sign-in page offers them.
func demoCards() (cards []web.Card) {
	for _, user := range DemoUsers() {
		card := web.Card{Name: user.Name, FullName: user.FullName, Password: demoPassword(user.Name)}
		for _, scope := range user.Scopes {
			card.May = append(card.May, may[scope])
		}
		cards = append(cards, card)
	}
	return cards
}

// seedDemo adds the demo users that are not there yet.
func seedDemo(tx database.Tx, now time.Time) error {
	for _, user := range DemoUsers() {
		user.CreatedAt = now
		if _, err := insertUser(tx, user, demoHashes[user.Name]); err != nil {
			return err
		}
	}
	return nil
}
