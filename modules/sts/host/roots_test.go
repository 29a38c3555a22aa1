package host_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/sts/host"
	"oms/modules/sts/ststest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/issuers"
	"oms/platform/module"
	"oms/platform/rpctest"
)

// installation is one STS on one database, which is started again and again.
type installation struct {
	*testing.T
	store database.Store
	now   time.Time
	kek   string // the file of the key encryption key; "" is none
}

func (i *installation) clock() time.Time { return i.now }

// restart starts it with these names of its public listener, and gives what it has to say about its keys.
func (i *installation) restart(hosts ...string) string {
	i.Helper()
	_, log, err := i.start(hosts...)
	if err != nil {
		i.Fatal(err)
	}
	return log
}

func (i *installation) start(hosts ...string) (module.Hosted, string, error) {
	var log bytes.Buffer
	hosted, err := host.New(i.Context(), host.Options{
		Env: module.Env{
			Store: i.store, Observer: &rpctest.Observer{}, Now: i.clock, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Edge: module.Edge{Accepted: issuers.New(issuers.Own(ststest.PublicURL))},
			Installation: module.Installation{
				Domain: ststest.Domain, PublicHosts: hosts, CertificateTTL: ststest.CertificateLifetime,
				RootAnnouncement: ststest.Announcement, RootOverlap: ststest.Overlap,
			},
		},
		Callees: callees(), Settings: host.Settings{KeyEncryptionKeyFile: i.kek},
	})
	return hosted, log.String(), err
}

// roots are those for a purpose, the one that signs first.
func (i *installation) roots(purpose string) (list []sts.SigningKey) {
	i.Helper()
	all, err := sts.ListCertificates.Call(context.Background(), operators(i, i.store, true, i.clock), sts.ListRequest{})
	if err != nil {
		i.Fatal(err)
	}
	for _, root := range all.Roots {
		if root.Purpose == purpose {
			list = append(list, root)
		}
	}
	return list
}

// mustBe says how many roots there are, and which of them signs.
func (i *installation) mustBe(when, purpose string, count int, signs string) {
	i.Helper()
	if list := i.roots(purpose); len(list) != count || list[0].ID != signs || list[0].State != sts.KeyActive {
		i.Errorf("%s: the roots for %s are %v, want %d, of which %s signs", when, purpose, list, count, signs)
	}
}

func (i *installation) mustTell(when, log string, lines int, texts ...string) {
	i.Helper()
	if strings.Count(log, "\n") != lines {
		i.Errorf("%s: the log has not %d lines:\n%s", when, lines, log)
	}
	for _, text := range texts {
		if !strings.Contains(log, text) {
			i.Errorf("%s: the log does not say %s:\n%s", when, text, log)
		}
	}
}

const importAgain = "whoever has imported root.pem has to import it again"

func TestThePublicRootFollowsTheNamesOfThePublicListener(t *testing.T) {
	i := &installation{T: t, store: databasetest.Open(t, "sts"), now: time.Now()}
	i.mustTell("at the first start", i.restart("localhost"), 0)
	first, workloads := i.roots(sts.RootOfPublic)[0].ID, i.roots(sts.RootOfWorkloads)[0].ID
	i.mustTell("with the same names", i.restart("localhost", "LOCALHOST"), 0)
	i.mustBe("with the same names", sts.RootOfPublic, 1, first)

	log := i.restart("localhost", "shop.example.com")
	second := i.roots(sts.RootOfPublic)[0].ID
	i.mustTell("with another name", log, 1, "level=WARN", importAgain, `names="localhost shop.example.com"`, second)
	i.mustBe("with another name", sts.RootOfPublic, 1, second)
	if second == first {
		t.Error("the root of other names is still there")
	}
	i.mustBe("with another name", sts.RootOfWorkloads, 1, workloads)
	i.mustTell("after that", i.restart("localhost", "shop.example.com"), 0)
}

// A rotation that was under way when the names changed is for names that do not count any more.
func TestARotationForOtherNamesIsCalledOff(t *testing.T) {
	i := &installation{T: t, store: databasetest.Open(t, "sts"), now: time.Now()}
	i.restart(ststest.PublicHosts()...)
	first := i.roots(sts.RootOfPublic)[0].ID
	operator := operators(t, i.store, true, i.clock)
	if _, err := sts.RotateRoot.Call(t.Context(), operator, sts.RotateRootRequest{Announcement: ststest.Announcement, Overlap: ststest.Overlap}); err != nil {
		t.Fatal(err)
	}
	i.mustTell("under way, with the same names", i.restart(ststest.PublicHosts()...), 0)
	i.mustBe("under way, with the same names", sts.RootOfPublic, 2, first)

	i.mustTell("with another name", i.restart("shop.example.com"), 1, importAgain)
	other := i.roots(sts.RootOfPublic)[0].ID
	i.mustBe("with another name", sts.RootOfPublic, 1, other)
	i.now = i.now.Add(ststest.Announcement)
	i.mustBe("when the rotation would have ended", sts.RootOfPublic, 1, other)
}

// The names can change while the root of an earlier version still signs: it can sign for the new ones as well, and nobody
// fails who trusts it.
func TestAnEarlierRootSignsForNewNamesUntilItIsReplaced(t *testing.T) {
	directory := t.TempDir()
	if err := ststest.Earlier(t.Context(), directory, time.Now()); err != nil {
		t.Fatal(err)
	}
	i := &installation{T: t, store: databasetest.OpenIn(t, "sts", directory), now: time.Now()}
	i.mustTell("at the first start", i.restart("localhost"), 2, importAgain, `names=localhost`, "the private root is replaced by one for the trust domain alone")
	earlier := i.roots(sts.RootOfWorkloads)[0].ID
	i.mustBe("at the first start", sts.RootOfPublic, 2, earlier)
	i.mustTell("at the next start", i.restart("localhost"), 0)
	i.mustBe("at the next start", sts.RootOfPublic, 2, earlier)

	i.now = i.now.Add(ststest.Announcement / 2)
	i.mustTell("with another name", i.restart("shop.example.com"), 1, importAgain, `names=shop.example.com`)
	i.mustBe("with another name", sts.RootOfPublic, 2, earlier)
	i.now = i.now.Add(ststest.Announcement)
	next := i.roots(sts.RootOfPublic)[0].ID
	if next == earlier || i.roots(sts.RootOfWorkloads)[0].ID == earlier {
		t.Error("the earlier root still signs")
	}
	i.mustTell("when the next one signs", i.restart("shop.example.com"), 0)
	i.mustBe("when the next one signs", sts.RootOfPublic, 2, next)
	i.now = i.now.Add(ststest.Overlap)
	i.mustBe("at the end", sts.RootOfPublic, 1, next)
}
