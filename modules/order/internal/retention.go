package internal

import (
	"time"

	"oms/platform/config"
	"oms/platform/database"
	"oms/platform/retention"
)

// Retention says how long what is over is kept. Live orders and their events are kept as long as they live.
type Retention struct {
	// Ended is how long a cancelled or expired order and its events are kept (24h to 87600h). The default is a quarter of a
	// year: what people ask about is younger.
	Ended time.Duration `koanf:"ended"`

	// Answers is how long an Idempotency-Key names its request, and a refusal is repeated (24h to 720h).
	Answers time.Duration `koanf:"answers"`
}

// shortestAnswers is what those who repeat a request may rely on.
const shortestAnswers = 24 * time.Hour

// Problems is everything about the values that cannot stay.
func (r Retention) Problems() []config.Problem {
	list := append(config.Within("ended", r.Ended, shortestAnswers, 10*365*24*time.Hour),
		config.Within("answers", r.Answers, shortestAnswers, 30*24*time.Hour)...)
	return append(list, config.When(len(list) == 0 && r.Ended < r.Answers, "ended",
		"%s is shorter than order.retention.answers, so an answer would lose its order; write %s or more", config.Duration(r.Ended), config.Duration(r.Answers))...)
}

// Pruner removes what has outlived its time. It is run beside the service.
func (s *Service) Pruner() *retention.Pruner {
	return retention.New("order", s.Store, s.Now, s.Log,
		retention.Kind{Name: "orders", Life: s.Retention.Ended, Remove: removeEnded},
		retention.Kind{Name: "refusals", Life: s.Retention.Answers, Remove: removeOld(`DELETE FROM refusals WHERE key IN (SELECT key FROM refusals WHERE at <= $1 ORDER BY at LIMIT $2)`)},
		retention.Kind{Name: "idempotency keys", Life: s.Retention.Answers, Remove: removeOld(`DELETE FROM idempotency WHERE (owner, key) IN
			(SELECT owner, key FROM idempotency WHERE created_at <= $1 ORDER BY created_at LIMIT $2)`)},
	)
}

// removeEnded removes orders that are over, with their events. An order of which inventory has still to hear stays.
func removeEnded(tx database.Tx, endedBy time.Time, limit int64) (int64, error) {
	keys, err := database.Collect(tx, database.Column[string], `SELECT key FROM orders WHERE status IN ('expired', 'cancelled') AND updated_at <= $1
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE order_key = key) ORDER BY updated_at LIMIT $2`, endedBy, limit)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		for _, statement := range []string{`DELETE FROM events WHERE order_key = $1`, `DELETE FROM orders WHERE key = $1`} {
			if _, err := tx.Exec(statement, key); err != nil {
				return 0, err
			}
		}
	}
	return int64(len(keys)), nil
}

// removeOld removes with one statement, which takes the time and the limit.
func removeOld(statement string) func(database.Tx, time.Time, int64) (int64, error) {
	return func(tx database.Tx, endedBy time.Time, limit int64) (int64, error) {
		return tx.Exec(statement, endedBy, limit)
	}
}
