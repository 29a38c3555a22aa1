-- +goose Up

CREATE TABLE users (
    name       TEXT   NOT NULL PRIMARY KEY, -- never reused: it is the subject of orders
    full_name  TEXT   NOT NULL,
    email      TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,             -- separated by spaces
    password   TEXT   NOT NULL,             -- argon2id, PHC string
    disabled   BIGINT NOT NULL DEFAULT 0,
    demo       BIGINT NOT NULL DEFAULT 0,   -- 1: a demo account, good only while demo.enabled
    created_at BIGINT NOT NULL,             -- milliseconds since 1970
    updated_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    kid        TEXT   NOT NULL PRIMARY KEY, -- RFC 7638 thumbprint
    algorithm  TEXT   NOT NULL,
    private    TEXT   NOT NULL,             -- PKCS #8, base64
    state      TEXT   NOT NULL CHECK (state IN ('active')),
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (state) WHERE state = 'active';
