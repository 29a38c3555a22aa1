package command

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"oms/modules/sts"
)

func (a *app) certs() *cobra.Command {
	oneOrAll := func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return errors.New("name one, or none for all of them")
		}
		return nil
	}
	return group("certs", "The private roots, and the certificates of the modules",
		&cobra.Command{
			Use: "list", Short: "List the roots that are trusted and the certificates that have not expired", Args: noArguments, RunE: a.operate(listCertificates),
		},
		&cobra.Command{
			Use: "renew [MODULE]", Short: "Have a module renew its certificate now; without a name, all modules", Args: oneOrAll, RunE: a.operate(renewCertificates),
		},
		&cobra.Command{
			Use: "rotate-root [workloads|public]", Short: "Replace the private root and the public one, or one of them, in good order", Args: oneOrAll, RunE: a.operate(rotateRoot),
			Long: "Publish next roots, which sign after trust.root_announcement: then every module renews its certificate, and so does the\n" +
				"public listener. What they replace is trusted for trust.root_overlap after that. No call fails. The private root is for\n" +
				"modules among themselves (workloads). The public one is what clients outside trust (public): they take root.pem anew\nwithin trust.root_announcement, and it holds both.",
		},
		&cobra.Command{
			Use: "revoke MODULE", Short: "Remove a module: its certificates no longer count, on open connections too", Args: oneName, RunE: a.operate(removeWorkload),
			Long: "Revoke all certificates of a module and give it none any more. `app certs join-token MODULE` lets it in again.",
		},
		&cobra.Command{
			Use: "join-token MODULE", Short: "Print a join token, with which a module on another machine enrols once", Args: oneName, RunE: a.operate(createJoinToken),
			Long: "Print a join token on standard output: it holds once, for an hour, for this module alone, and carries the fingerprint of\n" +
				"the private root. Put it into a file of mode 0600 and start the module there with --join-token-file. It also lets in a\nmodule that was removed.",
		})
}

func listCertificates(cmd *cobra.Command, o operator, _ []string) error {
	list, err := sts.ListCertificates.Call(cmd.Context(), o, sts.ListRequest{})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
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
	return table.Flush()
}

func renewCertificates(cmd *cobra.Command, o operator, args []string) error {
	if _, err := sts.RenewCertificates.Call(cmd.Context(), o, sts.WorkloadRequest{Workload: strings.Join(args, "")}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), "Asked for. What runs renews within seconds, what does not when it starts; `app certs list` shows it.")
	return err
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
	_, err := sts.RemoveWorkload.Call(cmd.Context(), o, sts.WorkloadRequest{Workload: args[0]})
	return err
}

func createJoinToken(cmd *cobra.Command, o operator, args []string) error {
	join, err := sts.CreateJoinToken.Call(cmd.Context(), o, sts.WorkloadRequest{Workload: args[0]})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), join.Token.Reveal())
	return err
}
