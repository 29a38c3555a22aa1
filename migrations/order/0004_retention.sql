-- +goose Up

-- What is over is found by when it ended, and removed after its time.
CREATE INDEX orders_ended ON orders (updated_at) WHERE status IN ('expired', 'cancelled');

-- How many live orders each owner has, so that placing one counts none. Owners without any have no row.
CREATE TABLE owners (
    owner TEXT   NOT NULL PRIMARY KEY,
    live  BIGINT NOT NULL CHECK (live > 0)
);
INSERT INTO owners (owner, live) SELECT owner, count(*) FROM orders WHERE status IN ('pending', 'confirmed', 'fulfilled') GROUP BY owner;

-- How many refusals are remembered of each owner.
CREATE INDEX refusals_of_owner ON refusals (owner);
