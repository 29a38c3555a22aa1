package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"oms/modules/sts"
)

func (a *app) certs() *cobra.Command {
	purposes := []string{sts.RootOfWorkloads, sts.RootOfPublic}
	return group("certs", "The private roots, and the certificates of the modules",
		listing(&cobra.Command{
			Use: "list", Short: "List the roots that are trusted, the certificates that have not expired, and the modules that were removed",
			Args: noArguments, RunE: a.operate(listCertificates), Example: "app certs list",
		}),
		&cobra.Command{
			Use: "renew [MODULE]", Short: "Have a module renew its certificate now; without a name, all modules",
			Args: oneOrAll(moduleNames()), RunE: a.operate(renewCertificates), Example: "app certs renew order", ValidArgsFunction: first(among(moduleNames()...)),
		},
		&cobra.Command{
			Use: "rotate-root [workloads|public]", Short: "Replace the private root and the public one, or one of them, in good order",
			Args: oneOrAll(purposes), RunE: a.operate(rotateRoot), Example: "app certs rotate-root public", ValidArgsFunction: first(among(purposes...)),
			Long: "Publish next roots, which sign after trust.root_announcement: then every module renews its certificate, and so does the\n" +
				"public listener. What they replace is trusted for trust.root_overlap after that. No call fails. The private root is for\n" +
				"modules among themselves (workloads). The public one is what clients outside trust (public): they take root.pem anew\nwithin trust.root_announcement, and it holds both.",
		},
		&cobra.Command{
			Use: "revoke MODULE", Short: "Remove a module: its certificates no longer count, on open connections too", Args: oneOf(moduleNames()), RunE: a.operate(removeWorkload),
			Long:    "Revoke all certificates of a module and give it none any more. `app certs join-token MODULE` lets it in again.",
			Example: "app certs revoke order", ValidArgsFunction: first(among(moduleNames()...)),
		},
		&cobra.Command{
			Use: "join-token MODULE", Short: "Print a join token, with which a module on another machine enrols once",
			Args: oneOf(moduleNames()), RunE: a.operate(createJoinToken), Example: "app certs join-token order > order.token", ValidArgsFunction: first(among(moduleNames()...)),
			Long: "Print a join token on standard output: it holds once, for an hour, for this module alone, and carries the fingerprint of\n" +
				"the private root. Put it into a file of mode 0600 and start the module there with --join-token-file. It also lets in a\nmodule that was removed.",
		})
}

func listCertificates(cmd *cobra.Command, o operator, _ []string) error {
	list, err := sts.ListCertificates.Call(cmd.Context(), o, sts.ListRequest{})
	if err != nil {
		return err
	}
	return show(cmd, list, func(table io.Writer) { certificateTable(table, list) })
}

func certificateTable(table io.Writer, list sts.Certificates) {
	fmt.Fprintln(table, "ROOT\tSTATE\tSIGNS FROM\tTRUSTED UNTIL\tFOR")
	for _, r := range list.Roots {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.State, stamp(r.Activates), stamp(r.Retires), r.Purpose)
	}
	fmt.Fprintln(table, "\nCERTIFICATE\tMODULE\tSTATE\tISSUED\tEXPIRES")
	for _, c := range list.Certificates {
		state := "good"
		if c.Revoked {
			state = "revoked"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.Serial, c.Workload, state, stamp(c.Issued), stamp(c.Expires))
	}
	for _, module := range list.Removed {
		fmt.Fprintf(table, "-\t%s\tremoved\t-\t-\n", module)
	}
}

func renewCertificates(cmd *cobra.Command, o operator, args []string) error {
	if _, err := sts.RenewCertificates.Call(cmd.Context(), o, sts.WorkloadRequest{Workload: strings.Join(args, "")}); err != nil {
		return err
	}
	return say(cmd, "Asked for. What runs renews within seconds, what does not when it starts; `app certs list` shows it.")
}

func rotateRoot(cmd *cobra.Command, o operator, args []string) error {
	next, err := sts.RotateRoot.Call(cmd.Context(), o, sts.RotateRootRequest{
		Purpose: strings.Join(args, ""), Announcement: o.config.Trust.RootAnnouncement, Overlap: o.config.Trust.RootOverlap,
	})
	if err != nil {
		return err
	}
	for _, root := range next.Roots {
		fmt.Fprintf(cmd.ErrOrStderr(), "The next root (%s) is published now and signs from %s on.\n", root.Purpose, stamp(root.Activates))
		if _, err = fmt.Fprintln(cmd.OutOrStdout(), root.ID); err != nil {
			return err
		}
	}
	return nil
}

func removeWorkload(cmd *cobra.Command, o operator, args []string) error {
	if _, err := sts.RemoveWorkload.Call(cmd.Context(), o, sts.WorkloadRequest{Workload: args[0]}); err != nil {
		return err
	}
	return say(cmd, "%s is removed: within seconds nobody accepts its certificates. `app certs join-token %s` lets it in again.", args[0], args[0])
}

func createJoinToken(cmd *cobra.Command, o operator, args []string) error {
	join, err := sts.CreateJoinToken.Call(cmd.Context(), o, sts.WorkloadRequest{Workload: args[0]})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), join.Token.Reveal())
	return err
}
