package internal

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"oms/platform/database"
	"oms/platform/pki"
)

// Joins says for whom join tokens lie in the data directory: for processes of the same machine, which whoever can read
// the directory may start anyway.
type Joins struct {
	Dir       string
	Workloads []string
}

// JoinFile is where the join token of a workload lies.
func JoinFile(dir, workload string) string { return filepath.Join(dir, workload+".token") }

// LeaveJoinTokens leaves a join token for every workload that has none; fresh replaces those that are there.
func (s *Service) LeaveJoinTokens(ctx context.Context, j Joins, fresh bool) error {
	a := Administration{Store: s.Store, Now: s.Now}
	var problems []error
	for _, workload := range j.Workloads {
		problems = append(problems, a.leaveJoinToken(ctx, j.Dir, workload, fresh))
	}
	return errors.Join(problems...)
}

func (a Administration) leaveJoinToken(ctx context.Context, dir, workload string, fresh bool) error {
	file := JoinFile(dir, workload)
	var wanted, left bool
	if err := a.Store.Read(ctx, func(tx database.Tx) (err error) {
		wanted, left, err = joinTokenState(tx, workload, a.Now())
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
	token, err := a.joinToken(ctx, workload, true)
	if err != nil {
		return err
	}
	return pki.WriteSecret(file, []byte(token.Reveal()+"\n"))
}

// joinTokenState says whether the workload may have a join token, and whether one was left that still holds and carries
// the fingerprint of the root that signs now: the STS can prove itself by that one alone.
func joinTokenState(tx database.Tx, workload string, now time.Time) (wanted, left bool, err error) {
	roots, err := publishedKeys(tx, certificates, now)
	if err != nil || len(roots) == 0 {
		return false, false, err
	}
	var removed, holding int64
	err = tx.QueryRow(`SELECT COALESCE(MAX(removed), 0),
		(SELECT COUNT(*) FROM join_tokens WHERE workload = $1 AND left_here = 1 AND expires_at > $2 AND expires_at >= $3)
		FROM workloads WHERE name = $1`, workload, now.UnixMilli(), roots[0].activates.Add(JoinTokenLifetime).UnixMilli()).Scan(&removed, &holding)
	return removed == 0, holding > 0, err
}
