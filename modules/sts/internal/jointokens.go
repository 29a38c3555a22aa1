package internal

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/secret"
)

// JoinTokenLifetime is how long a join token waits to be used: time to carry it to another machine.
const JoinTokenLifetime = time.Hour

// Enrol takes the join token and grants the first certificate, both or neither.
func (s *Service) Enrol(ctx context.Context, r sts.EnrolRequest) (sts.Certificate, error) {
	workload, stored := readJoinToken(r.JoinToken)
	if err := s.Store.Read(ctx, func(tx database.Tx) error { return s.checkJoinToken(tx, workload, stored) }); err != nil {
		return s.refuseCertificate(ctx, workload, err) // before a stranger has us sign anything
	}
	return s.issueWorkload(ctx, workload, r.Request, func(tx database.Tx) error {
		if err := s.checkJoinToken(tx, workload, stored); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM join_tokens WHERE digest = $1`, stored) // it holds once
		return err
	})
}

func (s *Service) checkJoinToken(tx database.Tx, workload, stored string) error {
	_, holds, err := database.Find(tx, database.Column[int], `SELECT 1 FROM join_tokens WHERE digest = $1 AND workload = $2 AND expires_at > $3`, stored, workload, s.Now())
	if err == nil && !holds {
		return fault.New(fault.Unauthenticated, "The join token does not hold: it was used, it has expired, or it is not one of this STS. Get another with `app certs join-token MODULE`.")
	}
	return err
}

// readJoinToken takes WORKLOAD.RANDOM.FINGERPRINT apart. Only a digest of what is random is ever compared.
func readJoinToken(text secret.Text) (workload, stored string) {
	workload, rest, _ := strings.Cut(text.Reveal(), ".")
	random, _, _ := strings.Cut(rest, ".")
	return workload, digest(random)
}

// CreateJoinToken implements [sts.Operators].
func (o Operators) CreateJoinToken(ctx context.Context, r sts.WorkloadRequest) (sts.JoinToken, error) {
	token, err := database.Write(ctx, o.Store, func(tx database.Tx) (secret.Text, error) {
		token, err := insertJoinToken(tx, r.Workload, false, o.Now())
		if err != nil {
			return "", err
		}
		return token, o.changeWorkload(tx, r.Workload, `UPDATE workloads SET removed = $1 WHERE name = $2`, false)
	})
	return sts.JoinToken{Token: token}, err
}

// insertJoinToken makes a join token with the fingerprint of the root that signs now.
func insertJoinToken(tx database.Tx, workload string, left bool, now time.Time) (secret.Text, error) {
	root, err := activeKey(tx, workloads, now)
	if err != nil {
		return "", err
	}
	token := secret.Text(strings.Join([]string{workload, rand.Text(), root.ID}, "."))
	_, stored := readJoinToken(token)
	_, err = tx.Exec(`INSERT INTO join_tokens (digest, workload, left_here, expires_at) VALUES ($1, $2, $3, $4)`, stored, workload, left, now.Add(JoinTokenLifetime))
	return token, err
}

// leaveInterval is how long a process at most waits for a join token that was used up.
const leaveInterval = time.Second

// LeaveJoinTokens leaves fresh join tokens in the data directory, and again whenever one was used or has expired, until
// ctx ends. They are for processes of the same machine, which whoever can read the directory may start anyway.
func (s *Service) LeaveJoinTokens(ctx context.Context) {
	ticker := time.NewTicker(leaveInterval)
	defer ticker.Stop()
	for fresh := true; ; fresh = false {
		var problems []error
		for _, workload := range s.Elsewhere {
			problems = append(problems, s.leaveJoinToken(ctx, sts.JoinFile(s.DataDir, workload), workload, fresh))
		}
		if err := errors.Join(problems...); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "no join token can be left for the other processes", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// leaveJoinToken leaves a join token for a workload that has none; fresh replaces the one that is there.
func (s *Service) leaveJoinToken(ctx context.Context, file, workload string, fresh bool) error {
	now := s.Now()
	var wanted, left bool
	if err := s.Store.Read(ctx, func(tx database.Tx) (err error) {
		wanted, left, err = readLeftToken(tx, workload, now)
		return err
	}); err != nil {
		return err
	}
	_, err := os.Stat(file)
	switch {
	case !wanted && err == nil: // a removed workload finds no way back here
		return os.Remove(file)
	case !wanted, left && err == nil && !fresh:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	token, err := database.Write(ctx, s.Store, func(tx database.Tx) (secret.Text, error) {
		if wanted, _, err := readLeftToken(tx, workload, now); err != nil || !wanted {
			return "", cmp.Or(err, fmt.Errorf("%s was removed", workload)) // in this moment
		}
		if _, err := tx.Exec(`DELETE FROM join_tokens WHERE workload = $1 AND left_here = 1`, workload); err != nil {
			return "", err
		}
		return insertJoinToken(tx, workload, true, now)
	})
	if err != nil {
		return err
	}
	return pki.WriteSecret(file, []byte(token.Reveal()+"\n"))
}

// readLeftToken says whether a workload may have a join token, and whether one was left that still holds and carries the
// fingerprint of the root that signs now: the STS can prove itself by that one alone.
func readLeftToken(tx database.Tx, workload string, now time.Time) (wanted, left bool, err error) {
	root, err := activeKey(tx, workloads, now)
	if err != nil {
		return false, false, err
	}
	err = tx.QueryRow(`SELECT COALESCE(MAX(removed), 0) = 0,
		EXISTS (SELECT 1 FROM join_tokens WHERE workload = $1 AND left_here = 1 AND expires_at > $2 AND expires_at >= $3)
		FROM workloads WHERE name = $1`, workload, now, root.Activates.Add(JoinTokenLifetime)).Scan(&wanted, &left)
	return wanted, left, err
}
