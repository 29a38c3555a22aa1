package rpc

import "time"

// Operator is the caller of rows for operators: whoever may open the module's database. It calls within a process, beside a
// server; no certificate can name it.
const Operator = "operator"

// patience is how long an operator waits: for a password that is hashed on a busy machine, and for a database that a server
// beside the command is writing to.
const patience = time.Minute

// ForOperators is a row of something that operators do, with what all of these have in common.
func ForOperators(r Row) Row {
	r.Callers, r.Who, r.Proof, r.Timeout = Callers(Operator), Workload, ByCertificate, patience
	return r
}
