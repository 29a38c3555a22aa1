package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/trust/peer"
)

func (a *app) keys() *cobra.Command {
	var module string
	cmd := group("keys", "The keys that sign tokens; with --module, those with which a module signs its calls",
		listing(&cobra.Command{
			Use: "list", Short: "List the keys that sign or still verify", Args: noArguments, RunE: a.onKeys(&module, listKeys),
			Example: "app keys list\napp keys list --module order",
		}),
		&cobra.Command{
			Use: "rotate", Short: "Replace the key that signs, in good order", Args: noArguments, RunE: a.onKeys(&module, rotateKey),
			Long: "Publish a next key, which signs after sts.signing_key_announcement; the one that it replaces verifies for\n" +
				"sts.signing_key_overlap after that. A module's own new key signs at once, and the old one counts for\ntrust.workload_key_overlap. No request fails.",
			Example: "app keys rotate",
		},
		&cobra.Command{
			Use: "revoke KID", Short: "Withdraw a key: nothing that it signed counts from now on", Args: oneName, RunE: a.onKeys(&module, revokeKey),
			Example: "app keys revoke bQx3T0eXfRLaIvFXkL4Kb0mRJmzDvBNH6yBYDe0nMTE", ValidArgsFunction: first(a.keyIDs(&module)),
		})
	cmd.PersistentFlags().StringVar(&module, "module", "", "the keys with which this module signs its calls (trust.profile peer), in its data directory")
	must(cmd.RegisterFlagCompletionFunc("module", among(moduleNames()...)))
	return cmd
}

// keySet is a set of keys that operators look after.
type keySet struct {
	list   func() ([]sts.SigningKey, error)
	rotate func() (next sts.SigningKey, err error)
	revoke func(id string) error
}

// onKeys runs do on the keys of the STS, or of a module.
func (a *app) onKeys(module *string, do func(*cobra.Command, keySet, []string) error) func(*cobra.Command, []string) error {
	ofSTS := a.operate(func(cmd *cobra.Command, o operator, args []string) error {
		return do(cmd, signingKeys(cmd.Context(), o), args)
	})
	ofModule := a.configured(func(cmd *cobra.Command, loaded *system.Loaded, args []string) error {
		return do(cmd, workloadKeys(system.KeyFile(loaded.Config, *module), loaded.Config.Trust.WorkloadKeyOverlap), args)
	})
	return func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("module") {
			return ofSTS(cmd, args)
		}
		if err := known(moduleNames(), *module); err != nil {
			return fmt.Errorf("--module: %w", err)
		}
		return ofModule(cmd, args)
	}
}

func listKeys(cmd *cobra.Command, keys keySet, _ []string) error {
	list, err := keys.list()
	if err != nil {
		return err
	}
	return show(cmd, sts.SigningKeys{Keys: list}, func(table io.Writer) {
		fmt.Fprintln(table, "KID\tSTATE\tSIGNS FROM\tVERIFIES UNTIL")
		for _, k := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", k.ID, k.State, stamp(k.Activates), stamp(k.Retires))
		}
	})
}

func rotateKey(cmd *cobra.Command, keys keySet, _ []string) error {
	next, err := keys.rotate()
	if err != nil {
		return err
	}
	if err := say(cmd, "The next key signs from %s on.", stamp(next.Activates)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), next.ID)
	return err
}

func revokeKey(cmd *cobra.Command, keys keySet, args []string) error {
	if err := keys.revoke(args[0]); err != nil {
		return err
	}
	return say(cmd, "Nothing that %s has signed counts any more, in every process within seconds.", args[0])
}

// signingKeys are the keys with which the STS signs tokens.
func signingKeys(ctx context.Context, o operator) keySet {
	return keySet{
		list: func() ([]sts.SigningKey, error) {
			signing, err := sts.ListSigningKeys.Call(ctx, o, sts.ListRequest{})
			return signing.Keys, err
		},
		rotate: func() (sts.SigningKey, error) {
			settings := system.SettingsOf[stshost.Settings](o.config, sts.Name)
			return sts.RotateSigningKey.Call(ctx, o, sts.RotateRequest{Announcement: settings.SigningKeyAnnouncement, Overlap: settings.SigningKeyOverlap})
		},
		revoke: func(id string) error {
			_, err := sts.RevokeSigningKey.Call(ctx, o, sts.RevokeSigningKeyRequest{ID: id})
			return err
		},
	}
}

// workloadKeys are a module's own keys, in a file beside it.
func workloadKeys(file string, overlap time.Duration) keySet {
	missing := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there are no keys in %s; a module makes its own when it is started with trust.profile peer, beside others", file)
		}
		return err
	}
	list := func() (keys []sts.SigningKey, err error) {
		own, err := peer.ListKeys(file, time.Now())
		for _, k := range own {
			state := sts.KeyActive
			if !k.Retires.IsZero() {
				state = sts.KeyRetired
			}
			keys = append(keys, sts.SigningKey{ID: k.ID, State: state, Activates: k.Created, Retires: k.Retires})
		}
		return keys, missing(err)
	}
	return keySet{
		list: list,
		rotate: func() (next sts.SigningKey, err error) {
			if _, err := list(); err != nil {
				return next, err
			}
			next.Activates = time.Now()
			next.ID, err = peer.RotateKeys(file, next.Activates, overlap)
			return next, err
		},
		revoke: func(id string) error { return missing(peer.RevokeKey(file, id, time.Now())) },
	}
}

// stamp is a time for people and scripts alike; "-" is no time at all.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
