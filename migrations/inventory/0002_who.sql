-- +goose Up

-- By whom a movement was caused: by_subject is the user behind the call, '' where there was none, and by_caller the
-- workload that made it. Both were proven. told_subject is for whom a workload without a user says that it acts.
ALTER TABLE movements ADD COLUMN by_caller TEXT NOT NULL DEFAULT '';
ALTER TABLE movements ADD COLUMN told_subject TEXT NOT NULL DEFAULT '';
UPDATE movements SET by_caller = 'gateway' WHERE kind = 'adjust';
UPDATE movements SET by_caller = 'order', told_subject = by_subject, by_subject = '' WHERE kind <> 'adjust';
