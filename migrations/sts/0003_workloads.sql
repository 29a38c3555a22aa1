-- +goose Up

-- Keys that sign: tokens, or certificates (the private roots). What a key is at a moment follows from its times: before
-- activates_at it is published and does not sign (next); of those that may sign, the latest does (active), the others
-- only verify (retired); from retires_at on it does not count any more.
CREATE TABLE keys (
    id           TEXT   NOT NULL PRIMARY KEY, -- tokens: RFC 7638 thumbprint; roots: SHA-256 of the certificate
    purpose      TEXT   NOT NULL CHECK (purpose IN ('tokens', 'certificates')),
    algorithm    TEXT   NOT NULL,
    private      TEXT   NOT NULL,             -- PKCS #8, base64
    certificate  TEXT   NOT NULL DEFAULT '',  -- of a root: DER, base64
    created_at   BIGINT NOT NULL,             -- milliseconds since 1970, like all times
    activates_at BIGINT NOT NULL,
    retires_at   BIGINT                       -- null: nothing has replaced it
);
INSERT INTO keys (id, purpose, algorithm, private, created_at, activates_at)
    SELECT kid, 'tokens', algorithm, private, created_at, created_at FROM signing_keys;
DROP TABLE signing_keys;

-- Who may have a certificate, and from when on it must have been issued.
CREATE TABLE workloads (
    name         TEXT   NOT NULL PRIMARY KEY,
    removed      BIGINT NOT NULL DEFAULT 0, -- 1: gets no certificate until somebody makes a join token for it
    renew_before BIGINT NOT NULL DEFAULT 0  -- certificates that were issued earlier are renewed at once
);

CREATE TABLE certificates (
    serial     TEXT   NOT NULL PRIMARY KEY, -- hexadecimal
    workload   TEXT   NOT NULL,             -- to whom it was issued; the public listener's are the gateway's
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- Only a digest of a join token is kept.
CREATE TABLE join_tokens (
    digest     TEXT   NOT NULL PRIMARY KEY,
    workload   TEXT   NOT NULL,
    left_here  BIGINT NOT NULL, -- 1: it lies in the data directory
    expires_at BIGINT NOT NULL
);

-- Users whose tokens stopped to hold: what was issued before revoked_at does not count.
CREATE TABLE revocations (
    subject    TEXT   NOT NULL PRIMARY KEY,
    revoked_at BIGINT NOT NULL
);

-- The public keys of workloads that have keys of their own, for people to see. Nobody's trust comes from here.
CREATE TABLE workload_keys (
    workload     TEXT   NOT NULL PRIMARY KEY,
    jwks         TEXT   NOT NULL,
    published_at BIGINT NOT NULL
);
