package command

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	stshost "oms/modules/sts/host"
	"oms/platform/config"
)

func (a *app) keys() *cobra.Command {
	return group("keys", "The keys that sign tokens", a.keysList(), a.keysRotate(), a.keysRevoke())
}

func (a *app) keysList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys that sign or still verify tokens", Args: noArguments,
		RunE: a.run(func(cmd *cobra.Command, _ []string) error {
			return a.administer(cmd, func(ctx context.Context, _ config.Config, sts stshost.Administration) error {
				keys, err := sts.SigningKeys(ctx)
				if err != nil {
					return err
				}
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "KID\tALGORITHM\tSTATE\tSIGNS FROM\tVERIFIES UNTIL")
				for _, k := range keys {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Algorithm, k.State, stamp(k.Activates), stamp(k.Retires))
				}
				return table.Flush()
			})
		}),
	}
}

func (a *app) keysRotate() *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Replace the key that signs tokens, in good order", Args: noArguments,
		Long: "Publish a next key, which signs after sts.signing_key_announcement. The one that it replaces verifies for\nsts.signing_key_overlap after that. No request fails.",
		RunE: a.run(func(cmd *cobra.Command, _ []string) error {
			return a.administer(cmd, func(ctx context.Context, c config.Config, sts stshost.Administration) error {
				next, err := sts.RotateSigningKey(ctx, c.STS.SigningKeyAnnouncement, c.STS.SigningKeyOverlap)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "The next key is published now and signs from %s on.\n", stamp(next.Activates))
				_, err = fmt.Fprintln(cmd.OutOrStdout(), next.ID)
				return err
			})
		}),
	}
}

func (a *app) keysRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke KID", Short: "Have a key, and every token that it signed, stop to count at once", Args: oneName,
		RunE: a.run(func(cmd *cobra.Command, args []string) error {
			return a.administer(cmd, func(ctx context.Context, _ config.Config, sts stshost.Administration) error {
				return sts.RevokeSigningKey(ctx, args[0])
			})
		}),
	}
}

// stamp is a time for people and scripts alike; "-" is no time at all.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
