-- +goose Up

-- What is over is found by when it ended, and removed after its time. What removed movements came to is added to the
-- opening of their product, so that on_hand stays the opening and the movements that are kept.
CREATE INDEX reservations_ended ON reservations (updated_at) WHERE state = 'released';
CREATE INDEX answers_by_age ON answers (at);
CREATE INDEX movements_ended ON movements (at, id) WHERE kind <> 'reserve';
CREATE INDEX movements_of_reservation ON movements (reservation);

-- For whom a reservation holds its lines, so that what one owner holds of a product can be limited: the user behind the
-- first call for it, or the one that the caller told where there was none. '' is from before this was recorded.
ALTER TABLE reservations ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE reservation_lines ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX reservation_lines_of_owner ON reservation_lines (owner, category, code, quantity);
