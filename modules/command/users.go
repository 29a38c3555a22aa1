package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"oms/modules/sts"
	"oms/platform/identity"
	"oms/platform/secret"
)

func (a *app) users() *cobra.Command {
	return group("users", "Manage who can sign in",
		a.usersAdd(),
		&cobra.Command{Use: "list", Short: "List all users", Args: noArguments, RunE: a.operate(listUsers)},
		&cobra.Command{Use: "passwd NAME", Short: "Set a user's password from standard input", Args: oneName, RunE: a.operate(setPassword)},
		&cobra.Command{Use: "disable NAME", Short: "Lock a user out at once", Args: oneName, RunE: a.operate(setDisabled(true))},
		&cobra.Command{Use: "enable NAME", Short: "Let a disabled user in again", Args: oneName, RunE: a.operate(setDisabled(false))},
		&cobra.Command{Use: "sign-out NAME", Short: "End all sessions of a user, and what was issued before", Args: oneName, RunE: a.operate(signOut)})
}

func (a *app) usersAdd() *cobra.Command {
	var user sts.AddUserRequest
	var scopes []string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a user; the password comes from standard input", Args: oneName,
		RunE: a.operate(func(cmd *cobra.Command, o operator, args []string) (err error) {
			if user.Password, err = readPassword(cmd); err != nil {
				return err
			}
			user.Name = args[0]
			user.Scopes = identity.NewScopes(strings.Fields(strings.Join(scopes, " "))...)
			_, err = sts.AddUser.Call(cmd.Context(), o, user)
			return err
		}),
	}
	cmd.Flags().StringArrayVar(&scopes, "scope", nil, "what the user may do; several separated by spaces, or the flag again")
	cmd.Flags().StringVar(&user.FullName, "name", "", "full name")
	cmd.Flags().StringVar(&user.Email, "email", "", "e-mail address")
	return cmd
}

func listUsers(cmd *cobra.Command, o operator, _ []string) error {
	list, err := sts.ListUsers.Call(cmd.Context(), o, sts.ListRequest{})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tSCOPES\tFULL NAME\tE-MAIL")
	for _, user := range list.Users {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", user.Name, state(user, o.config.Demo.Enabled), strings.Join(user.Scopes, " "), user.FullName, user.Email)
	}
	return table.Flush()
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
	_, err = sts.SetPassword.Call(cmd.Context(), o, sts.SetPasswordRequest{User: args[0], Password: password})
	return err
}

func setDisabled(disabled bool) func(*cobra.Command, operator, []string) error {
	return func(cmd *cobra.Command, o operator, args []string) error {
		_, err := sts.SetUserDisabled.Call(cmd.Context(), o, sts.SetUserDisabledRequest{User: args[0], Disabled: disabled})
		return err
	}
}

func signOut(cmd *cobra.Command, o operator, args []string) error {
	_, err := sts.SignOutUser.Call(cmd.Context(), o, sts.SignOutUserRequest{User: args[0]})
	return err
}

// maxPasswordLine is how much of standard input is read: more than any password that is accepted.
const maxPasswordLine = 4096

// readPassword reads one line; from a terminal without showing it.
func readPassword(cmd *cobra.Command) (secret.Text, error) {
	from, prompt := cmd.InOrStdin(), cmd.ErrOrStderr()
	if file, isFile := from.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(prompt, "Password: ")
		typed, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(prompt)
		return secret.Text(typed), err
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
