package database

import (
	"context"
	"database/sql"
	"errors"
)

// Read is [Store.Read] for a work with a value, which is the zero value where there is an error.
func Read[T any](ctx context.Context, s Store, work func(Tx) (T, error)) (T, error) {
	return valueOf(work, func(w func(Tx) error) error { return s.Read(ctx, w) })
}

// Write is [Store.Write] for a work with a value, which is the zero value where there is an error.
func Write[T any](ctx context.Context, s Store, work func(Tx) (T, error)) (T, error) {
	return valueOf(work, func(w func(Tx) error) error { return s.Write(ctx, w) })
}

func valueOf[T any](work func(Tx) (T, error), run func(func(Tx) error) error) (T, error) {
	var value, zero T
	err := run(func(tx Tx) (err error) {
		value, err = work(tx)
		return err
	})
	if err != nil {
		return zero, err
	}
	return value, nil
}

// Collect runs a query and gives what scan makes of each row, in their order; nil where there is none.
//
//	names, err := database.Collect(tx, database.Column[string], `SELECT name FROM users WHERE created_at > $1`, since)
func Collect[T any](tx Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // an error of reading is Err's
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// Find runs a query that answers with one row at most, and gives what scan makes of it; found is false where there is none.
func Find[T any](tx Tx, scan func(Row) (T, error), query string, args ...any) (one T, found bool, err error) {
	one, err = scan(tx.QueryRow(query, args...))
	found, err = Found(err)
	return one, found, err
}

// Found tells an answer without a row from an error of the statement, by the error of [Row]'s Scan.
//
//	found, err := database.Found(tx.QueryRow(`SELECT name, email FROM users WHERE id = $1`, id).Scan(&name, &email))
func Found(err error) (found bool, other error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Column scans a row of one column, for [Collect] and [Find].
func Column[T any](row Row) (value T, err error) {
	err = row.Scan(&value)
	return value, err
}

// ChangeOne runs a statement that changes one row on a condition which held when the work read it. Where it holds no
// longer, so that another number of rows is changed, the error is [ErrRerun].
func ChangeOne(tx Tx, query string, args ...any) error {
	changed, err := tx.Exec(query, args...)
	if err == nil && changed != 1 {
		return ErrRerun
	}
	return err
}
