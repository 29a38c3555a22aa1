// Package command_test runs the program as a process: real HTTPS on loopback, real databases, real signals.
//
// The scripts in testdata tell what is promised, one story each. Besides the commands of testscript they know:
//
//	serve [FLAG...]            start `app serve` and wait until it is ready; its log is appended to server.log
//	! serve [FLAG...]          it must not start: exit status 1, and every line about it begins with "app: "; they are stderr
//	[!] serve-as NAME [FLAG...]
//	                           like serve, for one of several servers: it is known by that name, its log is appended to
//	                           NAME.log, and nothing is waited for
//	deploy                     start the servers of this run, each known by its modules, and wait until they are ready; see
//	                           deployments_test.go
//	ready [NAME...]            wait until they are ready
//	says NAME PATTERN          wait until the log of a server says so, since it was started last
//	terminate [NAME...]        send SIGTERM to the servers, one after the other; they must end with status 0
//	crash [NAME...]            kill -9
//	http METHOD PATH [FLAG...] -> STATUS
//	                           send a request, expect the status; the answer is stdout: status, headers in
//	                           alphabetical order without Date and X-Trace-Id, body
//	    -token NAME            with an access token of that user, from `app token`
//	    -bearer FILE           with the access token in the file
//	    -body FILE             with the file as JSON
//	    -browser NAME          as a page in that browser, which keeps cookies
//	    -form FIELDS           with these fields (NAME=VALUE&...) as a form; a NAME without a value is that of the hidden
//	                           field in the last answer
//	    -admin [NAME]          to the admin listener
//	    -shows PATTERN         the answer must match it
//	    -until                 ask again until the answer is the expected one, also where nobody answers
//	                           The PATH . is where the last answer leads to. No redirect is followed by itself.
//	transcript FILE            from now on append every request of http and its answer to the file, with * for what no
//	                           two runs have in common, so that they can be compared; -token gets new tokens
//	json FILE                  the body of the last answer is this JSON
//	stock PRODUCT NUMBER...    so many are available, for example: stock books/978-1617295959 10
//	capture NAME PATTERN       set the variable to what the pattern's group matches in stdout
//	modes DIR                  the rights of everything in a directory are stdout
//	exits STATUS PROGRAM ARG...
//	                           like exec, with exactly this exit status
//	occupy ADDRESS             listen there until the end of the script
//	[!] holds FILE TEXTFILE    the file holds what is in the other one, without the line's end
//	orders-until-terminated FILE [NAME]
//	                           place orders from many clients, send SIGTERM meanwhile; the ids that were answered with
//	                           201 are written to the file
//	begin-load                 from now on have clients of all kinds send requests at a steady pace: anonymous ones, users,
//	                           such as place orders, and the browser alice, which has to be signed in. They trust what is
//	                           in $ROOT at the time
//	end-load NUMBER            end it; no request may have failed, and at least so many must have been answered
//	sessions-come-and-go NAME REQUESTS SESSIONS
//	                           have programs and a browser of a user send requests at a steady pace, while other browsers of
//	                           the user sign in, sign in anew and sign out, until so many requests were answered and so many
//	                           sessions have ended; no request may have failed
//	[!] knock FILE ADDRESS [-until]
//	                           the module that listens there admits the certificate in the file
//	earlier DIR MODULE...      make a data directory as the version with one root for everything has left it, with the certificates
//	                           of these modules
//	lines FILE TEXT NUMBER     wait until so many lines of the file hold the text
//	orders-are-there FILE      every order of the file can be read, and is held in the stock once
//
// Without a NAME, a command means the servers that were started by serve or deploy. A server's admin listener is taken to be where
// it is by default: 100 above the first listener of what its flag --modules hosts.
//
// Every script has a directory and a data directory (data) of its own, the article's files, and ports for every module:
// $ADDRESS is host:port of the public listener and $ADMIN 100 above; $STS and $STS_ADMIN are those of the STS, and so for
// every module. $MODULES are the names of all modules, as messages list them, and $DATABASES is how many of them have a database. $ROOT is the file of the roots that http
// trusts. Servers are given their addresses in the environment (APP_MODULES__STS__URL), where a script can change them; all
// other settings stand in its config.yaml. A server writes nothing to its standard output:
// that is checked whenever one ends by itself. Those that still run at the end of a script are killed.
package command_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"oms/modules"
	"oms/modules/sts/ststest"
	"oms/modules/systemtest"
	"oms/platform/module"
)

func TestMain(m *testing.M) {
	// Scripts wait for processes and disks more than they compute. -parallel still wins: it is read later.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(systemtest.WithProgram(m, func(path string) {
		if err := os.Setenv("PATH", filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
			panic(err)
		}
	}))
}

// app runs the program, which has to succeed, or to fail.
func app(ts *testscript.TestScript, fails bool, args []string) {
	err := ts.Exec("app", args...)
	_, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case fails && !failed:
		ts.Fatalf("app %s does not fail: %v", strings.Join(args, " "), err)
	case !fails:
		ts.Check(err)
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	p := params(deployment{})
	p.Dir = "testdata"
	testscript.Run(t, p)
}

// ports has one for every module.
var ports = systemtest.NewPorts(len(modules.All))

// params is what every script may use.
func params(d deployment) testscript.Params {
	return testscript.Params{
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			port, release, err := ports.Block()
			if err != nil {
				return err
			}
			env.Defer(release)
			p := &script{servers: map[string]*server{}, tokens: map[string]string{}, browsers: map[string]http.CookieJar{}, deployment: d}
			env.Values[scriptKey{}] = p
			env.Defer(p.end)
			env.Setenv("ROOT", "data/pki/root.pem")
			at := func(port int) string { return fmt.Sprintf("localhost:%d", port) }
			for i, m := range module.Sorted(modules.All) {
				listener, admin, url := strings.ToUpper(m.Name), strings.ToUpper(m.Name)+"_ADMIN", "APP_MODULES__"+strings.ToUpper(m.Name)+"__URL"
				if m.Public {
					listener, admin, url = "ADDRESS", "ADMIN", "APP_SERVER__PUBLIC_URL"
					env.Setenv("APP_SERVER__ADDRESS", at(port+i))
				}
				env.Setenv(listener, at(port+i))
				env.Setenv(admin, at(port+i+100))
				env.Setenv(url, "https://"+at(port+i))
			}
			env.Setenv("DATABASES", strconv.Itoa(len(slices.DeleteFunc(slices.Clone(modules.All), func(m module.Module) bool { return m.Migrations == nil }))))
			env.Setenv("MODULES", strings.Join(module.Names(modules.All), ", "))
			env.Setenv("APP_TRUST__PROFILE", cmp.Or(d.profile, profiles()[0]))
			// The article's requests, its tokens and the keys of its issuer.
			return errors.Join(os.CopyFS(env.WorkDir, os.DirFS("testdata/article")), os.CopyFS(env.WorkDir, os.DirFS("../../platform/token/testdata")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "serve-as": serveAs, "serve-unread": serveUnread, "signal": send, "drained": drained, "deploy": deploy, "ready": ready, "terminate": terminate, "crash": crash, "says": says,
			"app": app, "http": request, "transcript": transcript, "json": sameJSON, "stock": stock,
			"capture": capture, "modes": modes, "holds": holds, "exits": exits, "occupy": occupy, "earlier": earlier,
			"begin-load": beginLoad, "end-load": endLoad, "knock": knock, "lines": lines,
			"sessions-come-and-go":    sessionsComeAndGo,
			"orders-until-terminated": ordersUntilTerminated, "orders-are-there": ordersAreThere,
		},
	}
}

// eventually asks until the answer is yes, and fails the script after the deadline.
func eventually(ts *testscript.TestScript, within time.Duration, what string, holds func() bool) {
	if !systemtest.Eventually(within, holds) {
		ts.Fatalf("not within %v: %s", within, what)
	}
}

func capture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("stdout has no %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// known are the modules that the scripts name. The files of others are left out where a script lists all.
var known = []string{"gateway", "sts", "order", "inventory"}

func modes(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(modules.All, func(m module.Module) bool {
			return !slices.Contains(known, m.Name) && strings.HasPrefix(entry.Name(), m.Name+".")
		}) {
			return nil
		}
		name, err := filepath.Rel(filepath.Dir(root), path)
		fmt.Fprintf(ts.Stdout(), "%v %s\n", info.Mode(), filepath.ToSlash(name))
		return err
	}))
}

func holds(ts *testscript.TestScript, neg bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile(args[1]))
	if text == "" {
		ts.Fatalf("%s is empty", args[1])
	}
	if found := strings.Contains(ts.ReadFile(args[0]), text); found == neg {
		ts.Fatalf("%s holds the text of %s: %v", args[0], args[1], found)
	}
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("the exit status is %d, not %d", got, want)
	}
}

func earlier(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: earlier DIR MODULE...")
	}
	ts.Check(ststest.Earlier(context.Background(), ts.MkAbs(args[0]), time.Now(), args[1:]...))
}

func occupy(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
}
