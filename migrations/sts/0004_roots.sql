-- +goose Up

-- The certificates of the public listener have a root of their own, which people import; the other root signs those of
-- workloads alone. A root of before has signed both, so it counts as both until it is replaced.
CREATE TABLE keys_by_purpose (
    purpose      TEXT   NOT NULL CHECK (purpose IN ('tokens', 'workloads', 'public')), -- what it signs
    id           TEXT   NOT NULL,             -- tokens: RFC 7638 thumbprint; roots: SHA-256 of the certificate
    algorithm    TEXT   NOT NULL,
    private      TEXT   NOT NULL,             -- PKCS #8, base64
    certificate  TEXT   NOT NULL DEFAULT '',  -- of a root: DER, base64
    created_at   BIGINT NOT NULL,             -- milliseconds since 1970, like all times
    activates_at BIGINT NOT NULL,
    retires_at   BIGINT,                      -- null: nothing has replaced it
    PRIMARY KEY (purpose, id)
);
INSERT INTO keys_by_purpose (purpose, id, algorithm, private, certificate, created_at, activates_at, retires_at)
    SELECT CASE purpose WHEN 'certificates' THEN 'workloads' ELSE purpose END, id, algorithm, private, certificate, created_at, activates_at, retires_at FROM keys;
INSERT INTO keys_by_purpose (purpose, id, algorithm, private, certificate, created_at, activates_at, retires_at)
    SELECT 'public', id, algorithm, private, certificate, created_at, activates_at, retires_at FROM keys WHERE purpose = 'certificates';
DROP TABLE keys;
ALTER TABLE keys_by_purpose RENAME TO keys;
