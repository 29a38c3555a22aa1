-- +goose Up

-- The id of the operator's key under which private is encrypted (AES-256-GCM, with this id, purpose and id of the row
-- authenticated beside it); empty: it is not encrypted. All rows are alike.
ALTER TABLE keys ADD COLUMN encrypted_with TEXT NOT NULL DEFAULT '';
