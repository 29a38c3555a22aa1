-- +goose Up

-- Stock. opening never changes: on_hand is opening plus the sum of all movements.
CREATE TABLE products (
    category TEXT   NOT NULL,
    code     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    amount   BIGINT NOT NULL CHECK (amount >= 0), -- price in minor units
    currency TEXT   NOT NULL,
    opening  BIGINT NOT NULL CHECK (opening >= 0),
    on_hand  BIGINT NOT NULL,
    reserved BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (category, code),
    CHECK (0 <= reserved AND reserved <= on_hand)
);

-- What is held for an order, under the key that the order module gave it. A released one stays as a tombstone, so
-- that a reserve that arrives late is refused.
CREATE TABLE reservations (
    key        TEXT   NOT NULL PRIMARY KEY,
    revision   BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('live', 'released')),
    updated_at BIGINT NOT NULL
);

-- The lines of live reservations: their sum per product is products.reserved.
CREATE TABLE reservation_lines (
    key      TEXT   NOT NULL REFERENCES reservations (key),
    category TEXT   NOT NULL,
    code     TEXT   NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (key, category, code),
    FOREIGN KEY (category, code) REFERENCES products (category, code)
);

-- The definite answer to each reserve: repeating the request repeats it.
CREATE TABLE answers (
    key      TEXT   NOT NULL,
    revision BIGINT NOT NULL,
    digest   TEXT   NOT NULL, -- of the lines that were asked for
    answer   TEXT   NOT NULL, -- JSON
    at       BIGINT NOT NULL,
    PRIMARY KEY (key, revision)
);

-- Every change of stock, never changed itself.
CREATE TABLE movements (
    id          TEXT   NOT NULL PRIMARY KEY, -- in the order of time
    at          BIGINT NOT NULL,             -- milliseconds since 1970
    category    TEXT   NOT NULL,
    code        TEXT   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('reserve', 'release', 'adjust')),
    on_hand     BIGINT NOT NULL, -- signed change
    reserved    BIGINT NOT NULL, -- signed change
    reservation TEXT   NOT NULL, -- the reservation's key, or ''
    revision    BIGINT NOT NULL, -- of the reservation, or 0
    by_subject  TEXT   NOT NULL, -- the user on whose behalf
    reason      TEXT   NOT NULL,
    FOREIGN KEY (category, code) REFERENCES products (category, code)
);
CREATE INDEX movements_of_product ON movements (category, code, id);
