package config_test

import (
	"strings"
	"testing"

	"oms/platform/config"
	"oms/platform/secret"
)

// A section judges itself, and its keys are told as they are written.
func TestProblemsOfSectionsAreTold(t *testing.T) {
	refused(t, `flag --format: log.format: "xml" is not one of text, json`, config.LoadOptions{Flags: map[string]string{"log.format": "xml"}})
	refused(t, "far.away.cache.timeuot: unknown key; the nearest known key is far.away.cache.timeout (APP_FAR__AWAY__CACHE__TIMEOUT)",
		config.LoadOptions{Environ: []string{"APP_FAR__AWAY__CACHE__TIMEUOT=1s"}})
	refused(t, "far.away: is a section and takes no value of its own; set a key in it, such as far.away.cache.shared",
		config.LoadOptions{Embedded: []byte("far.away: 1")})
}

// What the program itself has wrong is told before anything is read.
func TestSectionsThatCannotBeFilledAreRefused(t *testing.T) {
	type text struct {
		Text string `koanf:"text"`
	}
	type number struct {
		Number complex128 `koanf:"number"`
	}
	type nested struct {
		Inner text `koanf:"inner"`
	}
	type flat struct {
		Inner string `koanf:"inner"`
	}
	for want, sections := range map[string][]config.Section{
		`configuration "a": a section needs a pointer to a struct, not config_test.text`:        {{Path: "a", Into: text{}}},
		`configuration "a": a section needs a pointer to a struct, not <nil>`:                   {{Path: "a"}},
		`configuration: a.text is the key of two fields`:                                        {{Path: "a", Into: &text{}}, {Path: "a", Into: &text{}}},
		`configuration: inner is a key and a section`:                                           {{Into: &flat{}}, {Into: &nested{}}},
		`configuration: a.number has the type complex128, which nothing that can be written is`: {{Path: "a", Into: &number{}}},
		`configuration: numbers[].number has the type complex128, which nothing that can be written is`: {{Into: &struct {
			Numbers []number `koanf:"numbers"`
		}{}}},
	} {
		loaded, err := config.Load(config.LoadOptions{WorkDir: t.TempDir()}, sections...)
		if err == nil || err.Error() != want || loaded != nil {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// Secrets do not show: not where values are printed, and not in problems.
func TestSecretsAreRedacted(t *testing.T) {
	var keep struct {
		Password secret.Text `koanf:"password"`
	}
	loaded, err := config.Load(config.LoadOptions{WorkDir: t.TempDir(), Environ: []string{"APP_PASSWORD=sesame"}}, config.Section{Into: &keep})
	if err != nil || keep.Password != "sesame" {
		t.Fatalf("got %q and %v", keep.Password.Reveal(), err)
	}
	if shown := setting(t, loaded, "password").Value; strings.Contains(shown, "sesame") || shown == "" {
		t.Errorf("it is shown as %s", shown)
	}
}
