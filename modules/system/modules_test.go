package system_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/module"
	"oms/platform/rpc"
)

// greeting is what the modules of these tests ask each other.
type (
	greeting struct {
		Left int64 `json:"left"` // how often it is passed on
	}
	greeted struct {
		By string `json:"by"` // all who have seen it
	}
)

// ping and pong call each other.
type ping interface {
	Greet(context.Context, greeting) (greeted, error)
}

type pong interface {
	Greet(context.Context, greeting) (greeted, error)
}

func greetRow(module string, callers ...string) rpc.Row {
	return rpc.Row{Name: module + ".Greet", Callers: callers, Who: rpc.Workload, Timeout: time.Minute, Retry: rpc.Idempotent}
}

func pingTable(callers ...string) rpc.Table[ping] {
	return rpc.Table[ping]{rpc.Define(ping.Greet, greetRow("ping", callers...))}
}

func pongTable(callers ...string) rpc.Table[pong] {
	return rpc.Table[pong]{rpc.Define(pong.Greet, greetRow("pong", callers...))}
}

// passer greets on behalf of whoever asks.
type passer struct {
	name string
	on   func(context.Context, greeting) (greeted, error)
}

func (p passer) Greet(ctx context.Context, g greeting) (greeted, error) {
	if g.Left == 0 {
		return greeted{p.name}, nil
	}
	answer, err := p.on(ctx, greeting{g.Left - 1})
	return greeted{p.name + " " + answer.By}, err
}

// pair are two modules that call each other. started is told the service of ping.
func pair(pings rpc.Table[ping], pongs rpc.Table[pong], callee string, started func(passer)) []module.Module {
	return []module.Module{
		{Name: "ping", URL: "https://localhost:9301", Tables: []module.Table{pings}, Open: func(_ context.Context, env module.Env) (module.Hosted, error) {
			conn := env.Conn(callee)
			p := passer{"ping", func(ctx context.Context, g greeting) (greeted, error) {
				return pongs[0].(*rpc.Op[pong, greeting, greeted]).Call(ctx, conn, g)
			}}
			started(p)
			host, err := rpc.NewHost[ping]("ping", pings, p, env.Observer, env.Now)
			return module.Hosted{Host: host}, err
		}},
		{Name: "pong", URL: "https://localhost:9302", Tables: []module.Table{pongs}, Open: func(_ context.Context, env module.Env) (module.Hosted, error) {
			conn := env.Conn("ping")
			host, err := rpc.NewHost[pong]("pong", pongs, passer{"pong", func(ctx context.Context, g greeting) (greeted, error) {
				return pings[0].(*rpc.Op[ping, greeting, greeted]).Call(ctx, conn, g)
			}}, env.Observer, env.Now)
			return module.Hosted{Host: host}, err
		}},
	}
}

// open opens a process of all modules of the product and of more, in this order.
func open(t *testing.T, list []module.Module) error {
	t.Helper()
	c := system.Defaults(list)
	c.DataDir, c.Demo.Enabled = t.TempDir(), false
	c.Server.Address, c.Server.AdminAddress = "localhost:0", "localhost:0"
	opened, err := system.Open(t.Context(), c, system.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	parts, err := opened.Parts(nil)
	if err != nil {
		return err
	}
	return parts[0].Stop(t.Context()) // the databases
}

// Two modules may call each other, wherever they stand in the list.
func TestTwoModulesCallEachOther(t *testing.T) {
	for _, swapped := range []bool{false, true} {
		var started passer
		two := pair(pingTable("pong"), pongTable("ping"), "pong", func(p passer) { started = p })
		if swapped {
			slices.Reverse(two)
		}
		if err := open(t, slices.Concat(two, modules.All)); err != nil {
			t.Fatal(err)
		}
		got, err := started.Greet(t.Context(), greeting{Left: 3})
		if err != nil || got.By != "ping pong ping pong" {
			t.Errorf("swapped %v: %q, %v", swapped, got.By, err)
		}
	}
}

// What cannot work is refused at the start, in one line that says where.
func TestAListThatCannotWorkIsRefused(t *testing.T) {
	known := namesOf(slices.Concat(modules.All, pair(pingTable(), pongTable(), "", nil)))
	for name, c := range map[string]struct {
		pings  rpc.Table[ping]
		pongs  rpc.Table[pong]
		callee string
		want   string
	}{
		"a caller that is misspelt":      {pingTable("pong"), pongTable("pingg"), "pong", `operation "pong.Greet" lists the caller "pingg", and there is no such module; they are ` + known},
		"a callee that does not exist":   {pingTable("pong"), pongTable("ping"), "pongg", `module ping calls "pongg", and there is no such module; they are ` + known},
		"a callee that does not list it": {pingTable("pong"), pongTable("sts"), "pong", "module ping calls pong, and no operation there lists it as a caller; add it to the Callers of a row"},
		"a row that nobody may call":     {pingTable("pong"), pongTable(), "sts", `module pong cannot be hosted: operation "pong.Greet": lists no callers`},
		"a table that forgets a method":  {pingTable("pong"), rpc.Table[pong]{}, "sts", `module pong cannot be hosted: method "pong.Greet" has no row`},
	} {
		t.Run(name, func(t *testing.T) {
			two := pair(c.pings, c.pongs, c.callee, func(passer) {})
			err := open(t, slices.Concat(modules.All, two))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// A module that is not in the deployment fails closed, for those who call it too.
func TestACallToAModuleThatIsNowhereFailsAtOnce(t *testing.T) {
	var started passer
	two := pair(pingTable("pong"), pongTable("ping"), "pong", func(p passer) { started = p })
	list := slices.Concat(two, modules.All)
	c := system.Defaults(list)
	c.DataDir, c.Demo.Enabled, c.Server.Modules, c.Modules["pong"].URL = t.TempDir(), false, []string{"ping", "sts"}, ""
	opened, err := system.Open(t.Context(), c, system.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := started.Greet(t.Context(), greeting{Left: 1}); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "modules.pong.url") {
		t.Error(err)
	}
	parts, err := opened.Parts(nil)
	if err == nil {
		err = parts[0].Stop(t.Context())
	}
	if err != nil {
		t.Error(err)
	}
}
