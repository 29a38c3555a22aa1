package internal

import (
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/issuers"
	"oms/platform/retention"
)

// clockMargin is for what is judged by other clocks than ours: those may be behind.
const clockMargin = time.Minute

// Pruner removes what nobody needs any more. It is run beside the service. How long each kind is kept follows from what could
// still be accepted; docs/trust.md shows it to people.
func (s *Service) Pruner() *retention.Pruner {
	longest := issuers.MaxOwnLifetime // of what users bring who are not ours
	for _, external := range s.Accepted.External {
		longest = max(longest, external.Policy.MaxLifetime)
	}
	return retention.New(sts.Name, s.Store, s.Now, s.Log,
		expired("sessions", 0, `DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`),
		expired("known_browsers", 0, `DELETE FROM known_browsers WHERE digest IN (SELECT digest FROM known_browsers WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`),
		expired("join_tokens", 0, `DELETE FROM join_tokens WHERE digest IN (SELECT digest FROM join_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`),
		expired("certificates", 0, `DELETE FROM certificates WHERE serial IN (SELECT serial FROM certificates WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`),
		// Until the last token has expired that was issued to a workload before.
		expired("ended_sessions", revocationMemory, `DELETE FROM ended_grants WHERE handle IN (SELECT handle FROM ended_grants WHERE ended_at <= $1 ORDER BY ended_at LIMIT $2)`),
		// Until the last token has expired that the user can bring.
		expired("revoked_users", issuers.MaxOwnLifetime+clockMargin, `DELETE FROM revocations WHERE subject IN
			(SELECT subject FROM revocations WHERE revoked_at <= $1 AND subject NOT LIKE '%|%' ORDER BY revoked_at LIMIT $2)`),
		expired("revoked_external_users", longest+clockMargin, `DELETE FROM revocations WHERE subject IN
			(SELECT subject FROM revocations WHERE revoked_at <= $1 AND subject LIKE '%|%' ORDER BY revoked_at LIMIT $2)`),
	)
}

// expired is a kind that one statement removes, which takes the time and the limit.
func expired(name string, life time.Duration, statement string) retention.Kind {
	return retention.Kind{Name: name, Life: life, Remove: func(tx database.Tx, endedBy time.Time, limit int64) (int64, error) {
		return tx.Exec(statement, endedBy, limit)
	}}
}
