-- +goose Up

-- How many idempotency keys name one order.
CREATE INDEX idempotency_of_order ON idempotency (order_key);
