package internal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"oms/platform/database"
	"oms/platform/pki"
	"oms/platform/secret"
)

// JoinTokenFiles says for whom join tokens lie in the data directory: for processes of the same machine, which whoever can
// read the directory may start anyway.
type JoinTokenFiles struct {
	Dir       string
	Workloads []string
}

// JoinFile is where the join token of a workload lies.
func JoinFile(dir, workload string) string { return filepath.Join(dir, workload+".token") }

// LeaveJoinTokens leaves a join token for every workload that has none; fresh replaces those that are there.
func (s *Service) LeaveJoinTokens(ctx context.Context, files JoinTokenFiles, fresh bool) error {
	var problems []error
	for _, workload := range files.Workloads {
		problems = append(problems, s.leaveJoinToken(ctx, JoinFile(files.Dir, workload), workload, fresh))
	}
	return errors.Join(problems...)
}

func (s *Service) leaveJoinToken(ctx context.Context, file, workload string, fresh bool) error {
	now := s.Now()
	state, err := database.Read(ctx, s.Store, func(tx database.Tx) (joinTokenState, error) { return readJoinTokenState(tx, workload, now) })
	if err != nil {
		return err
	}
	_, err = os.Stat(file)
	switch {
	case !state.wanted && err == nil: // a removed workload finds no way back here
		return os.Remove(file)
	case !state.wanted, state.left && err == nil && !fresh:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	token, err := s.replaceLeftToken(ctx, workload, now)
	if err != nil {
		return err
	}
	return pki.WriteSecret(file, []byte(token.Reveal()+"\n"))
}

// replaceLeftToken makes the one token that may lie there for a workload, unless the workload was removed.
func (s *Service) replaceLeftToken(ctx context.Context, workload string, now time.Time) (secret.Text, error) {
	random := rand.Text()
	return database.Write(ctx, s.Store, func(tx database.Tx) (secret.Text, error) {
		wanted, err := tx.Exec(`UPDATE workloads SET removed = 0 WHERE name = $1 AND removed = 0`, workload)
		switch {
		case err != nil:
			return "", err
		case wanted == 0:
			return "", fmt.Errorf("%s was removed", workload) // in this moment
		}
		if _, err := tx.Exec(`DELETE FROM join_tokens WHERE workload = $1 AND left_here = 1`, workload); err != nil {
			return "", err
		}
		return insertJoinToken(tx, workload, random, true, now)
	})
}

// joinTokenState is whether a workload may have a join token, and whether one was left that still holds and carries the
// fingerprint of the root that signs now: the STS can prove itself by that one alone.
type joinTokenState struct{ wanted, left bool }

func readJoinTokenState(tx database.Tx, workload string, now time.Time) (s joinTokenState, err error) {
	roots, err := publishedKeys(tx, certificates, now)
	if err != nil || len(roots) == 0 {
		return s, err
	}
	err = tx.QueryRow(`SELECT COALESCE(MAX(removed), 0) = 0,
		EXISTS (SELECT 1 FROM join_tokens WHERE workload = $1 AND left_here = 1 AND expires_at > $2 AND expires_at >= $3)
		FROM workloads WHERE name = $1`, workload, now, roots[0].activates.Add(JoinTokenLifetime)).Scan(&s.wanted, &s.left)
	return s, err
}
