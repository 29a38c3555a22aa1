package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"oms/modules"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/identity"
	"oms/platform/secret"
)

func (a *app) users() *cobra.Command {
	return group("users", "Manage who can sign in",
		a.usersAdd(),
		&cobra.Command{
			Use: "scope NAME [SCOPE...]", Short: "Set what a user may do, from the next request on", Long: "Set what a user may do, from the next request on: these scopes and no others.\n\n" + scopeHelp(),
			Example: "app users scope carol add_order view_orders", Args: nameAndMore, RunE: a.operate(setScopes),
			ValidArgsFunction: a.scopesOfUser,
		},
		listing(&cobra.Command{Use: "list", Short: "List all users", Args: noArguments, Example: "app users list", RunE: a.operate(listUsers)}),
		a.onUser("passwd", "Set a user's password from standard input", " < password.txt", setPassword),
		a.onUser("disable", "Lock a user out at once", "", setDisabled(true)),
		a.onUser("enable", "Let a disabled user in again", "", setDisabled(false)),
		a.onUser("sign-out", "End all sessions of a user, and what was issued before", "", signOut))
}

// onUser is a command that does one thing to one user.
func (a *app) onUser(verb, short, input string, do func(*cobra.Command, operator, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: oneName, RunE: a.operate(do),
		Example: "app users " + verb + " carol" + input, ValidArgsFunction: first(a.userNames),
	}
}

func (a *app) usersAdd() *cobra.Command {
	var user sts.AddUserRequest
	var scopes []string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a user; the password comes from standard input", Args: oneName,
		Long:    "Add a user. The password is asked for twice on a terminal, and is a line of standard input elsewhere.\n\n" + scopeHelp(),
		Example: "app users add carol --scope 'add_order view_orders' --name 'Carol, a buyer' < password.txt",
		RunE: a.operate(func(cmd *cobra.Command, o operator, args []string) (err error) {
			user.Name = args[0]
			if err := canBeAdded(cmd, o, user.Name); err != nil { // before anything is typed
				return err
			}
			if user.Password, err = readPassword(cmd); err != nil {
				return err
			}
			user.Scopes = identity.NewScopes(strings.Fields(strings.Join(scopes, " "))...)
			if _, err = sts.AddUser.Call(cmd.Context(), o, user); err != nil {
				return err
			}
			return say(cmd, "%s can sign in%s.", user.Name, may(user.Name, user.Scopes))
		}),
	}
	cmd.Flags().StringArrayVar(&scopes, "scope", nil, "what the user may do; several separated by spaces, or the flag again")
	must(cmd.RegisterFlagCompletionFunc("scope", scopeWords()))
	cmd.Flags().StringVar(&user.FullName, "name", "", "full name")
	cmd.Flags().StringVar(&user.Email, "email", "", "e-mail address")
	return cmd
}

// canBeAdded says what stands against a name.
func canBeAdded(cmd *cobra.Command, o operator, name string) error {
	if err := sts.CheckUserName(name); err != nil {
		return err
	}
	list, err := sts.ListUsers.Call(cmd.Context(), o, sts.ListRequest{})
	if err == nil && slices.ContainsFunc(list.Users, func(u sts.User) bool { return u.Name == name }) {
		return fmt.Errorf("there is a user %q already; names are never reused", name)
	}
	return err
}

func listUsers(cmd *cobra.Command, o operator, _ []string) error {
	list, err := sts.ListUsers.Call(cmd.Context(), o, sts.ListRequest{})
	if err != nil {
		return err
	}
	return show(cmd, list, func(table io.Writer) {
		fmt.Fprintln(table, "NAME\tSTATE\tSCOPES\tFULL NAME\tE-MAIL")
		for _, user := range list.Users {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", user.Name, state(user, o.config.Demo.Enabled), strings.Join(user.Scopes, " "), user.FullName, user.Email)
		}
	})
}

func state(user sts.User, demo bool) string {
	switch {
	case user.Disabled:
		return "disabled"
	case user.Demo && !demo:
		return "demo, off"
	case user.Demo:
		return "demo"
	}
	return "enabled"
}

func setPassword(cmd *cobra.Command, o operator, args []string) error {
	password, err := readPassword(cmd)
	if err != nil {
		return err
	}
	if _, err = sts.SetPassword.Call(cmd.Context(), o, sts.SetPasswordRequest{User: args[0], Password: password}); err != nil {
		return err
	}
	return say(cmd, "%s has another password. All sessions have ended, and all tokens of before.", args[0])
}

func setScopes(cmd *cobra.Command, o operator, args []string) error {
	scopes := identity.NewScopes(strings.Fields(strings.Join(args[1:], " "))...)
	if _, err := sts.SetUserScopes.Call(cmd.Context(), o, sts.SetUserScopesRequest{User: args[0], Scopes: scopes}); err != nil {
		return err
	}
	return say(cmd, "From the next request on, %s can sign in%s.", args[0], may(args[0], scopes))
}

// may says what somebody who signs in may do.
func may(name string, scopes identity.Scopes) string {
	if len(scopes) == 0 {
		return ", and may do no more than look; `app users scope " + name + " SCOPE...` gives rights"
	}
	return " and has the scopes " + strings.Join(scopes, " ")
}

// scopeHelp lists the scopes with the operations that they are for.
func scopeHelp() string {
	operations := map[string][]string{}
	for _, m := range modules.All {
		for _, operation := range m.Operations() {
			row := operation.Row()
			if row.Scope != "" {
				operations[row.Scope] = append(operations[row.Scope], row.Name)
			}
			for _, more := range row.OptionalScopes {
				operations[more] = append(operations[more], "more of "+row.Name)
			}
		}
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "Scopes, and what they are for:")
	for _, scope := range stshost.Scopes(modules.All) {
		fmt.Fprintf(table, "  %s\t%s\n", scope, strings.Join(operations[scope], ", "))
	}
	_ = table.Flush()
	return strings.TrimRight(text.String(), "\n")
}

func setDisabled(disabled bool) func(*cobra.Command, operator, []string) error {
	return func(cmd *cobra.Command, o operator, args []string) error {
		if _, err := sts.SetUserDisabled.Call(cmd.Context(), o, sts.SetUserDisabledRequest{User: args[0], Disabled: disabled}); err != nil {
			return err
		}
		if disabled {
			return say(cmd, "%s is locked out. All sessions have ended, and all tokens of before.", args[0])
		}
		return say(cmd, "%s can sign in again. What was issued before stays ended.", args[0])
	}
}

func signOut(cmd *cobra.Command, o operator, args []string) error {
	if _, err := sts.SignOutUser.Call(cmd.Context(), o, sts.SignOutUserRequest{User: args[0]}); err != nil {
		return err
	}
	return say(cmd, "All sessions of %s have ended, and all tokens of before.", args[0])
}

// say tells people what was done; data goes to standard output.
func say(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	return err
}

// maxPasswordLine is how much of standard input is read: more than any password that is accepted.
const maxPasswordLine = 4096

// readPassword reads one line; from a terminal twice, without showing it.
func readPassword(cmd *cobra.Command) (secret.Text, error) {
	from, prompt := cmd.InOrStdin(), cmd.ErrOrStderr()
	if file, isFile := from.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		return typedTwice(file, prompt)
	}
	line, err := bufio.NewReader(io.LimitReader(from, maxPasswordLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("give the password on standard input: %s NAME < FILE", cmd.CommandPath())
	}
	return secret.Text(line), nil
}

// typedTwice asks at a terminal, where a slip of a finger would not be seen.
func typedTwice(terminal *os.File, prompt io.Writer) (secret.Text, error) {
	var typed [2]secret.Text
	for i, ask := range []string{"Password: ", "The same again: "} {
		fmt.Fprint(prompt, ask)
		line, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(prompt)
		if err != nil {
			return "", err
		}
		typed[i] = secret.Text(line)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords are not the same; nothing was changed")
	}
	return typed[0], nil
}
