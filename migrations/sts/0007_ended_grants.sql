-- +goose Up

-- What tokens were issued on the strength of, and what has ended before them: sessions, by their handles. A handle is a
-- digest of what the session is stored under, so it leads neither to the reference nor to the row.
CREATE TABLE ended_grants (
    handle   TEXT   NOT NULL PRIMARY KEY,
    ended_at BIGINT NOT NULL -- milliseconds since 1970
);
CREATE INDEX ended_grants_by_time ON ended_grants (ended_at);
CREATE INDEX revocations_by_time ON revocations (revoked_at);
