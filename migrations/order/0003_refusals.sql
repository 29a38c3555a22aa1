-- +goose Up

-- What inventory did not have, for as long as the refusal is repeated. An order that was refused leaves nothing else.
CREATE TABLE refusals (
    key      TEXT   NOT NULL PRIMARY KEY, -- that the order had, or would have had
    owner    TEXT   NOT NULL,
    problems TEXT   NOT NULL,             -- JSON: the lines that stood in the way
    at       BIGINT NOT NULL              -- milliseconds since 1970
);
CREATE INDEX refusals_by_age ON refusals (at);
INSERT INTO refusals (key, owner, problems, at) SELECT key, owner, refusal, updated_at FROM orders WHERE status = 'rejected';

-- An idempotency key names an order or a refusal, so it refers to neither table.
CREATE TABLE named_requests (
    owner      TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    digest     TEXT   NOT NULL, -- of the request
    order_key  TEXT   NOT NULL, -- of its order, or of its refusal
    created_at BIGINT NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (owner, key)
);
INSERT INTO named_requests (owner, key, digest, order_key, created_at) SELECT owner, key, digest, order_key, created_at FROM idempotency;
DROP TABLE idempotency;
ALTER TABLE named_requests RENAME TO idempotency;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

DELETE FROM events WHERE order_key IN (SELECT key FROM orders WHERE status = 'rejected');
DELETE FROM orders WHERE status = 'rejected';
ALTER TABLE orders DROP COLUMN refusal;
