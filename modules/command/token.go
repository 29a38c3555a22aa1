package command

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/identity"
)

func (a *app) token() *cobra.Command {
	var request sts.IssueTokenRequest
	var scope string
	cmd := &cobra.Command{
		Use: "token --user NAME", Short: "Print an access token of a user, for curl", Args: noArguments,
		Long:    "Print an access token of a user on standard output. It needs the data directory of the STS: who can read it is an operator.",
		Example: "app token --user alice --scope view_orders --ttl 5m",
		RunE: a.operate(func(cmd *cobra.Command, o operator, _ []string) error {
			request.Issuer = o.config.PublicURL()
			request.Audience = cmp.Or(request.Audience, o.config.PublicURL())
			request.Lifetime = cmp.Or(request.Lifetime, system.SettingsOf[stshost.Settings](o.config, sts.Name).AccessTokenTTL)
			if cmd.Flags().Changed("scope") {
				request.Scopes = append(identity.Scopes{}, identity.NewScopes(strings.Fields(scope)...)...)
			}
			issued, err := sts.IssueToken.Call(cmd.Context(), o, request)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), issued.Token.Reveal())
			return err
		}),
	}
	cmd.Flags().StringVar(&request.User, "user", "", "whose token")
	cmd.Flags().StringVar(&scope, "scope", "", "scopes, separated by spaces (default: all of the user's)")
	cmd.Flags().DurationVar(&request.Lifetime, "ttl", 0*time.Second, "how long it lives, up to 24h (default: sts.access_token_ttl)")
	cmd.Flags().StringVar(&request.Audience, "audience", "", "what it is for (default: server.public_url)")
	must(cmd.MarkFlagRequired("user"), cmd.RegisterFlagCompletionFunc("user", a.userNames), cmd.RegisterFlagCompletionFunc("scope", scopeWords()))
	return cmd
}
