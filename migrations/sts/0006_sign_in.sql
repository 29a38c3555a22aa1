-- +goose Up

-- Counts what has ended everything that was begun as a user: another password, being disabled or enabled, a sign-out
-- everywhere. Whoever has compared the password before looks at it again.
ALTER TABLE users ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0;

-- Browsers with which somebody has signed in as a user: strangers who guess do not keep these out. Only a digest of what the
-- browser shows is kept.
CREATE TABLE known_browsers (
    digest     TEXT   NOT NULL PRIMARY KEY,
    user_name  TEXT   NOT NULL REFERENCES users (name),
    expires_at BIGINT NOT NULL -- milliseconds since 1970
);
CREATE INDEX known_browsers_by_user ON known_browsers (user_name);
CREATE INDEX known_browsers_by_expiry ON known_browsers (expires_at);
