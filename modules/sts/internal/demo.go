package internal

import (
	"context"
	"time"

	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/web"
)

// DemoUsers are the accounts of the demo. The password of each is its name and "-demo": everybody knows them, which
// is why they are good on loopback only, and only while the demo is enabled.
func DemoUsers() []User {
	user := func(name, full string, scopes ...string) User {
		return User{Name: name, FullName: full, Email: name + "@example.com", Scopes: identity.NewScopes(scopes...), Demo: true}
	}
	return []User{
		user("alice", "Alice", "add_order"),
		user("bob", "Bob", "add_order"),
		user("counter", "Clerk at the counter", "add_order"),
		user("admin", "Administrator", "add_order", "update_order", "cancel_order", "fulfil_order", "view_orders", "manage_inventory"),
	}
}

// demoPassword is the password of a demo user.
func demoPassword(name string) string { return name + "-demo" }

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

// SeedDemo adds the demo users that are not there yet.
func SeedDemo(ctx context.Context, store database.Store, hasher *Hasher, now time.Time) error {
	for _, user := range DemoUsers() {
		found, err := findUser(ctx, store, user.Name)
		if err != nil {
			return err
		}
		if found.Name != "" {
			continue
		}
		hash, err := hasher.Hash(ctx, secret.Text(demoPassword(user.Name)))
		if err != nil {
			return err
		}
		if err := store.Write(ctx, func(tx database.Tx) error {
			_, err := insertUser(tx, user, hash, now)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
