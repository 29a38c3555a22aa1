package internal

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/pki"
	"oms/platform/secret"
)

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
	now, random := s.Now(), rand.Text()
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
		return insertJoinToken(tx, workload, random, true, now)
	})
	if err != nil {
		return err
	}
	return pki.WriteSecret(file, []byte(token.Reveal()+"\n"))
}

// readLeftToken says whether a workload may have a join token, and whether one was left that still holds and carries the
// fingerprint of the root that signs now: the STS can prove itself by that one alone.
func readLeftToken(tx database.Tx, workload string, now time.Time) (wanted, left bool, err error) {
	roots, err := publishedKeys(tx, certificates, now)
	if err != nil || len(roots) == 0 {
		return false, false, err
	}
	err = tx.QueryRow(`SELECT COALESCE(MAX(removed), 0) = 0,
		EXISTS (SELECT 1 FROM join_tokens WHERE workload = $1 AND left_here = 1 AND expires_at > $2 AND expires_at >= $3)
		FROM workloads WHERE name = $1`, workload, now, roots[0].activates.Add(JoinTokenLifetime)).Scan(&wanted, &left)
	return wanted, left, err
}
