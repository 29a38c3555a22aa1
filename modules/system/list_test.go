package system_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/config"
	"oms/platform/module"
)

// Where a module stands in the list changes nothing of the configuration.
func TestTheOrderOfTheListMeansNothing(t *testing.T) {
	o := config.LoadOptions{WorkDir: t.TempDir(), Embedded: shipped(t)}
	want := load(t, o)
	list := slices.Clone(modules.All)
	for i := range list {
		for j := range i {
			list[i], list[j] = list[j], list[i]
			got, err := system.Load(o, list)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Effective(), got.Effective()); diff != "" {
				t.Error(diff)
			}
			if got.Config.AdminAddress() != want.Config.AdminAddress() || !slices.Equal(got.Config.Listeners(), want.Config.Listeners()) {
				t.Errorf("listeners %v, admin listener %s", got.Config.Listeners(), got.Config.AdminAddress())
			}
			_, err = system.Load(config.LoadOptions{Flags: map[string]string{"server.modules": "orders"}}, list)
			if text := `flag --modules: server.modules: "orders" is not a module; write all, or some of gateway, sts, order, inventory`; err == nil || err.Error() != text {
				t.Errorf("got  %v\nwant %s", err, text)
			}
		}
	}
}

type shipping struct {
	Carrier string        `koanf:"carrier"`
	Pickup  time.Duration `koanf:"pickup"`
}

func (s shipping) Problems() []config.Problem { return config.Between("pickup", s.Pickup, time.Hour) }

// A module that is added to the list has its keys, is hosted and listens, with nothing else said about it.
func TestAModuleThatIsAddedToTheListIsConfigured(t *testing.T) {
	list := append(slices.Clone(modules.All), module.Module{
		Name: "shipping", URL: "https://localhost:9093", Settings: func() any { return &shipping{"pigeon", time.Minute} },
	})
	loaded, err := system.Load(config.LoadOptions{Environ: []string{"APP_SERVER__MODULES=inventory,shipping", "APP_SHIPPING__CARRIER=mule"}}, list)
	if err != nil {
		t.Fatal(err)
	}
	if got := system.SettingsOf[shipping](loaded.Config, "shipping"); got != (shipping{"mule", time.Minute}) {
		t.Errorf("its settings are %+v", got)
	}
	if diff := cmp.Diff([]string{"shipping", "inventory"}, loaded.Config.Listeners()); diff != "" {
		t.Error(diff)
	}
	if at, admin := loaded.Config.ListenAddress("shipping"), loaded.Config.AdminAddress(); at != "localhost:9093" || admin != "localhost:9193" {
		t.Errorf("it listens on %s, beside %s", at, admin)
	}
	for key, want := range map[string]config.Setting{
		"modules.shipping.url": {Value: "https://localhost:9093", Source: "default"},
		"shipping.carrier":     {Value: "mule", Source: "environment APP_SHIPPING__CARRIER"},
	} {
		if got := setting(t, loaded, key); got.Value != want.Value || got.Source != want.Source {
			t.Errorf("got %+v", got)
		}
	}
	for flag, want := range map[string]string{
		"server.modules":  `flag --modules: server.modules: "x" is not a module; write all, or some of gateway, sts, shipping, order, inventory`,
		"shipping.pickup": `flag --pickup: shipping.pickup: 0s is out of bounds; write a duration from 1s to 1h`,
	} {
		value := map[string]string{"server.modules": "x", "shipping.pickup": "0s"}[flag]
		if _, err := system.Load(config.LoadOptions{Flags: map[string]string{flag: value}}, list); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
