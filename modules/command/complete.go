package command

import (
	"slices"

	"github.com/spf13/cobra"

	"oms/modules"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
)

// Shells complete names by asking the program (`app completion bash`). Where the names cannot be read, they complete nothing.

// completion gives the words that can come next.
type completion = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// first completes the first argument alone.
func first(words completion) completion {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(cmd, args, begun)
	}
}

// among completes words that are always the same.
func among(words ...cobra.Completion) completion {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// scopeWords completes what a user may do.
func scopeWords() completion { return among(stshost.Scopes(modules.All)...) }

// scopesOfUser completes a user, and then scopes.
func (a *app) scopesOfUser(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.userNames(cmd, args, begun)
	}
	list, directive := scopeWords()(cmd, args, begun)
	return slices.DeleteFunc(slices.Clone(list), func(scope string) bool { return slices.Contains(args, scope) }), directive
}

// userNames completes the users that there are.
func (a *app) userNames(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	err := a.operate(func(cmd *cobra.Command, o operator, _ []string) error {
		list, err := sts.ListUsers.Call(cmd.Context(), o, sts.ListRequest{})
		for _, user := range list.Users {
			names = append(names, cobra.CompletionWithDesc(user.Name, user.FullName))
		}
		return err
	})(cmd, args)
	return completed(names, err)
}

// keyIDs completes the keys that there are, of the STS or of the module that a flag names.
func (a *app) keyIDs(module *string) completion {
	return func(cmd *cobra.Command, args []string, _ string) (ids []cobra.Completion, _ cobra.ShellCompDirective) {
		err := a.onKeys(module, func(_ *cobra.Command, keys keySet, _ []string) error {
			list, err := keys.list()
			for _, key := range list {
				ids = append(ids, cobra.CompletionWithDesc(key.ID, string(key.State)))
			}
			return err
		})(cmd, args)
		return completed(ids, err)
	}
}

func completed(words []cobra.Completion, err error) ([]cobra.Completion, cobra.ShellCompDirective) {
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
