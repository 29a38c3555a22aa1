package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/trust/peer"
)

func (a *app) keys() *cobra.Command {
	var module string
	cmd := group("keys", "The keys that sign tokens; with --module, those with which a module signs its calls", a.keysList(&module), a.keysRotate(&module), a.keysRevoke(&module))
	cmd.PersistentFlags().StringVar(&module, "module", "", "the keys with which this module signs its calls (trust.profile peer), in its data directory")
	return cmd
}

// ring is a set of keys that operators look after.
type ring interface {
	list() ([]key, error)
	rotate() (next key, err error)
	revoke(id string) error
}

// key is a key as operators see it.
type key struct {
	id, state    string
	signs, until time.Time
}

// onRing runs do on the keys of the STS, or of a module.
func (a *app) onRing(module *string, do func(*cobra.Command, ring, []string) error) func(*cobra.Command, []string) error {
	return a.run(func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("module") {
			loaded, err := a.load(nil)
			if err != nil {
				return err
			}
			if known := moduleNames(); !slices.Contains(known, *module) {
				return fmt.Errorf("there is no module %q; it is one of %s", *module, strings.Join(known, ", "))
			}
			return do(cmd, workloadRing{system.KeyFile(loaded.Config, *module), loaded.Config.Trust.WorkloadKeyOverlap}, args)
		}
		return a.administer(cmd, func(ctx context.Context, c system.Config, operators sts.Operators) error {
			return do(cmd, signingRing{ctx, operators, system.SettingsOf[stshost.Settings](c, "sts")}, args)
		})
	})
}

func (a *app) keysList(module *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys that sign or still verify", Args: noArguments,
		RunE: a.onRing(module, func(cmd *cobra.Command, r ring, _ []string) error {
			keys, err := r.list()
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "KID\tSTATE\tSIGNS FROM\tVERIFIES UNTIL")
			for _, k := range keys {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", k.id, k.state, stamp(k.signs), stamp(k.until))
			}
			return table.Flush()
		}),
	}
}

func (a *app) keysRotate(module *string) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Replace the key that signs, in good order", Args: noArguments,
		Long: "Publish a next key, which signs after sts.signing_key_announcement; the one that it replaces verifies for\n" +
			"sts.signing_key_overlap after that. A module's own new key signs at once, and the old one counts for\ntrust.workload_key_overlap. No request fails.",
		RunE: a.onRing(module, func(cmd *cobra.Command, r ring, _ []string) error {
			next, err := r.rotate()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "The next key signs from %s on.\n", stamp(next.signs))
			_, err = fmt.Fprintln(cmd.OutOrStdout(), next.id)
			return err
		}),
	}
}

func (a *app) keysRevoke(module *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke KID", Short: "Withdraw a key: nothing that it signed counts from now on", Args: oneName,
		RunE: a.onRing(module, func(_ *cobra.Command, r ring, args []string) error { return r.revoke(args[0]) }),
	}
}

// signingRing are the keys with which the STS signs tokens.
type signingRing struct {
	ctx       context.Context //nolint:containedctx // of one command
	operators sts.Operators
	settings  stshost.Settings
}

func (r signingRing) list() (keys []key, err error) {
	signing, err := r.operators.ListSigningKeys(r.ctx, sts.ListSigningKeysRequest{})
	for _, k := range signing.Keys {
		keys = append(keys, key{k.ID, string(k.State), k.Activates, k.Retires})
	}
	return keys, err
}

func (r signingRing) rotate() (key, error) {
	next, err := r.operators.RotateSigningKey(r.ctx, sts.RotateRequest{Announcement: r.settings.SigningKeyAnnouncement, Overlap: r.settings.SigningKeyOverlap})
	return key{id: next.ID, signs: next.Activates}, err
}

func (r signingRing) revoke(id string) error {
	_, err := r.operators.RevokeSigningKey(r.ctx, sts.RevokeSigningKeyRequest{ID: id})
	return err
}

// workloadRing are a module's own keys, in a file beside it.
type workloadRing struct {
	file    string
	overlap time.Duration
}

func (r workloadRing) list() (keys []key, err error) {
	own, err := peer.ListKeys(r.file, time.Now())
	for _, k := range own {
		state := "active"
		if !k.Retires.IsZero() {
			state = "retired"
		}
		keys = append(keys, key{k.ID, state, k.Created, k.Retires})
	}
	return keys, r.missing(err)
}

func (r workloadRing) rotate() (key, error) {
	if _, err := r.list(); err != nil {
		return key{}, err
	}
	now := time.Now()
	id, err := peer.RotateKeys(r.file, now, r.overlap)
	return key{id: id, signs: now}, err
}

func (r workloadRing) revoke(id string) error {
	return r.missing(peer.RevokeKey(r.file, id, time.Now()))
}

// missing says what to do where there are no keys yet.
func (r workloadRing) missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are no keys in %s; a module makes its own when it is started with trust.profile peer, beside others", r.file)
	}
	return err
}

// stamp is a time for people and scripts alike; "-" is no time at all.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
