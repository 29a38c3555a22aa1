package system_test

import (
	"slices"
	"strings"
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
			if text := `flag --modules: server.modules: "orders" is not a module; write all, or some of ` + namesOf(modules.All); err == nil || err.Error() != text {
				t.Errorf("got  %v\nwant %s", err, text)
			}
		}
	}
}

type loyalty struct {
	Card  string        `koanf:"card"`
	Grace time.Duration `koanf:"grace"`
}

func (s loyalty) Problems() []config.Problem { return config.Between("grace", s.Grace, time.Hour) }

// A module that is added to the list has its keys, is hosted and listens, with nothing else said about it.
func TestAModuleThatIsAddedToTheListIsConfigured(t *testing.T) {
	list := append(slices.Clone(modules.All), module.Module{
		Name: "loyalty", URL: "https://localhost:9499", Settings: func() any { return &loyalty{"paper", time.Minute} },
	})
	loaded, err := system.Load(config.LoadOptions{Environ: []string{"APP_SERVER__MODULES=inventory,loyalty", "APP_LOYALTY__CARD=plastic"}}, list)
	if err != nil {
		t.Fatal(err)
	}
	if got := system.SettingsOf[loyalty](loaded.Config, "loyalty"); got != (loyalty{"plastic", time.Minute}) {
		t.Errorf("its settings are %+v", got)
	}
	if diff := cmp.Diff([]string{"loyalty", "inventory"}, loaded.Config.Listeners()); diff != "" {
		t.Error(diff)
	}
	if at, admin := loaded.Config.ListenAddress("loyalty"), loaded.Config.AdminAddress(); at != "localhost:9499" || admin != "localhost:9599" {
		t.Errorf("it listens on %s, beside %s", at, admin)
	}
	for key, want := range map[string]config.Setting{
		"modules.loyalty.url": {Value: "https://localhost:9499", Source: "default"},
		"loyalty.card":        {Value: "plastic", Source: "environment APP_LOYALTY__CARD"},
	} {
		if got := setting(t, loaded, key); got.Value != want.Value || got.Source != want.Source {
			t.Errorf("got %+v", got)
		}
	}
	for flag, want := range map[string]string{
		"server.modules": `flag --modules: server.modules: "x" is not a module; write all, or some of ` + namesOf(list),
		"loyalty.grace":  `flag --grace: loyalty.grace: 0s is out of bounds; write a duration from 1s to 1h`,
	} {
		value := map[string]string{"server.modules": "x", "loyalty.grace": "0s"}[flag]
		if _, err := system.Load(config.LoadOptions{Flags: map[string]string{flag: value}}, list); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// namesOf are the names of a list's modules as messages give them.
func namesOf(list []module.Module) string { return strings.Join(module.Names(list), ", ") }
