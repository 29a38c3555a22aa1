-- +goose Up

-- The requests that were named by an idempotency key, for a day: repeating one gives the answer of its order.
CREATE TABLE idempotency (
    owner      TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    digest     TEXT   NOT NULL, -- of the request
    order_key  TEXT   NOT NULL REFERENCES orders (key),
    created_at BIGINT NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
