-- +goose Up

-- Orders, under an internal key: the public id can come back once an order is over, the key never does.
CREATE TABLE orders (
    key        TEXT   NOT NULL PRIMARY KEY, -- in the order of time
    id         TEXT   NOT NULL,
    owner      TEXT   NOT NULL,
    status     TEXT   NOT NULL CHECK (status IN ('pending', 'confirmed', 'fulfilled', 'rejected', 'expired', 'cancelled')),
    version    BIGINT NOT NULL,             -- the number of its events
    revision   BIGINT NOT NULL,             -- the newest that inventory was asked for; rises with each update
    name       TEXT   NOT NULL,
    items      TEXT   NOT NULL,             -- JSON
    digest     TEXT   NOT NULL,             -- of the content of the first request
    repeatable BIGINT NOT NULL,             -- 1: the sender can repeat the request safely, so it may be confirmed late
    deadline   BIGINT NOT NULL,             -- milliseconds since 1970: a pending order is given up after it
    refusal    TEXT   NOT NULL DEFAULT '',  -- JSON: why it was rejected
    created_at BIGINT NOT NULL,             -- milliseconds since 1970
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX orders_live_id ON orders (id) WHERE status IN ('pending', 'confirmed', 'fulfilled');
CREATE INDEX orders_by_id ON orders (id, key);
CREATE INDEX orders_by_owner ON orders (owner, key);

-- The update that a confirmed order is waiting for: its old content stays the truth until inventory has answered.
CREATE TABLE updates (
    order_key TEXT   NOT NULL PRIMARY KEY REFERENCES orders (key),
    revision  BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    items     TEXT   NOT NULL
);

-- The history of each order: one event per transition, never changed.
CREATE TABLE events (
    order_key  TEXT   NOT NULL REFERENCES orders (key),
    version    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind IN ('placed', 'confirmed', 'rejected', 'expired', 'updated', 'update-refused', 'cancelled')),
    by_subject TEXT   NOT NULL, -- the user on whose behalf
    detail     TEXT   NOT NULL,
    PRIMARY KEY (order_key, version)
);

-- What inventory still has to be told: one message per order at most, so messages are in order for each order.
CREATE TABLE outbox (
    order_key  TEXT   NOT NULL PRIMARY KEY REFERENCES orders (key),
    kind       TEXT   NOT NULL CHECK (kind IN ('reserve', 'release')),
    revision   BIGINT NOT NULL,
    by_subject TEXT   NOT NULL,            -- the user who caused it
    created_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,            -- milliseconds since 1970
    attempts   BIGINT NOT NULL DEFAULT 0,
    failures   BIGINT NOT NULL DEFAULT 0,  -- attempts that inventory answered with an error of ours
    dead       BIGINT NOT NULL DEFAULT 0,  -- 1: given up until the next start
    last_error TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX outbox_due ON outbox (dead, due_at);
