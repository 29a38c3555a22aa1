package databasetest

import "testing"

// Run holds an engine to what [database.Store] and [database.Tx] promise.
func Run(t *testing.T, e Engine) {
	for _, promise := range []struct {
		name string
		test func(*testing.T, Engine)
	}{
		{"WritersShareCommits", writersShareCommits},
		{"WorksOfOneBatchAreIsolated", worksOfOneBatchAreIsolated},
		{"DeferredConstraintFailsItsWorkAlone", deferredConstraintFailsItsWorkAlone},
		{"WorkThatExits", workThatExits},
		{"ContextEndsTheWaitOnly", contextEndsTheWaitOnly},
		{"UniqueViolation", uniqueViolation},
		{"StatementsOfATransaction", statementsOfATransaction},
		{"TransactionEndsWithItsWork", transactionEndsWithItsWork},
		{"ExecCountsRows", execCountsRows},
		{"ReadSeesASnapshot", readSeesASnapshot},
		{"ReadDoesNotWrite", readDoesNotWrite},
		{"ReadReturnsTheWorksResult", readReturnsTheWorksResult},
		{"ReadsContext", readsContext},
		{"ReadsRowAfterItsDeadline", readsRowAfterItsDeadline},
		{"AnyBatchMatchesItsModel", anyBatchMatchesItsModel},
		{"TimesAndBools", timesAndBools},
		{"TimeOfNull", timeOfNull},
		{"Collect", collect},
		{"Find", find},
		{"ChangeOne", changeOne},
		{"ValueOfAWork", valueOfAWork},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, e) })
	}
}
