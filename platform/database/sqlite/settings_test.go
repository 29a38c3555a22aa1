package sqlite_test

import (
	"fmt"
	"testing"

	"oms/platform/database"
)

// Every connection has the settings on which the promises rest.
func TestSettings(t *testing.T) {
	d := server(t, options(t))
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0"}
	check := func(tx database.Tx) error {
		for name, value := range want {
			var got string
			if err := tx.QueryRow("PRAGMA " + name).Scan(&got); err != nil || got != value {
				return fmt.Errorf("%s is %s instead of %s (%w)", name, got, value, err)
			}
		}
		return nil
	}
	if err := d.Write(t.Context(), check); err != nil {
		t.Error("writing:", err)
	}
	want["query_only"] = "1"
	if err := d.Read(t.Context(), check); err != nil {
		t.Error("reading:", err)
	}
}
