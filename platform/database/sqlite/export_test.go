package sqlite

// Queued is how many works wait for the writer.
func (d *DB) Queued() int { return len(d.writer.queue) }

// QueueLimit is how many works can wait for the writer.
const QueueLimit = queueLimit
