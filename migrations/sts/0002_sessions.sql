-- +goose Up

-- Sessions of the user interface. Only a digest of the reference is kept: who reads the table cannot use it.
CREATE TABLE sessions (
    digest     TEXT   NOT NULL PRIMARY KEY,
    user_name  TEXT   NOT NULL REFERENCES users (name),
    created_at BIGINT NOT NULL, -- milliseconds since 1970
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_user ON sessions (user_name);
