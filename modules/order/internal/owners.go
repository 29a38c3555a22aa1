package internal

import (
	"time"

	"oms/platform/database"
	"oms/platform/fault"
)

// laterAgain is when somebody should try again who has too much of something: orders and keys end by the minute, not by the
// second.
const laterAgain = time.Minute

// addLive counts one more live order of an owner, unless there are too many.
func (s *Service) addLive(tx database.Tx, owner string) error {
	changed, err := tx.Exec(`INSERT INTO owners (owner, live) VALUES ($1, 1) ON CONFLICT (owner) DO UPDATE SET live = owners.live + 1 WHERE owners.live < $2`,
		owner, s.MaxLive)
	if err == nil && changed == 0 {
		failure := fault.New(fault.RateLimited, "You have %d live orders, as many as one may have. Have some of them cancelled, or wait until some are fulfilled, then place this one.", s.MaxLive)
		failure.RetryAfter = laterAgain
		return failure
	}
	return err
}

// removeLive counts one live order less.
func removeLive(tx database.Tx, owner string) error {
	changed, err := tx.Exec(`UPDATE owners SET live = live - 1 WHERE owner = $1 AND live > 1`, owner)
	if err == nil && changed == 0 {
		_, err = tx.Exec(`DELETE FROM owners WHERE owner = $1`, owner)
	}
	return err
}

// maxRefusals bounds the refusals that are remembered of one owner, some 3 KB each at most: nobody who looks at the answers
// comes near it in a day.
const maxRefusals = 1000

// mayRemember refuses a request whose refusal could not be remembered: what is not remembered may not be told as definite.
func mayRemember(tx database.Tx, owner string) error {
	var many bool
	err := tx.QueryRow(`SELECT count(*) >= $2 FROM (SELECT 1 FROM refusals WHERE owner = $1 LIMIT $2) AS remembered`, owner, maxRefusals).Scan(&many)
	if err == nil && many {
		failure := fault.New(fault.RateLimited, "%d of your requests with an Idempotency-Key were refused lately, as many as are remembered. Place this order without one, or wait.", maxRefusals)
		failure.RetryAfter = laterAgain
		return failure
	}
	return err
}
