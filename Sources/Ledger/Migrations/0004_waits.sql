-- What a centre's archive is recognised by, as the job's catalogue saw it; JSON, which only stages read.
ALTER TABLE centre ADD COLUMN fingerprint bytea;
-- What keeps a worker from work: [{"centre": …, "job": …, "reason": …, "since": seconds since 1970}].
ALTER TABLE worker ADD COLUMN troubles json NOT NULL DEFAULT '[]';
-- What the coordinator has to say of the cluster as a whole, one row a kind.
CREATE TABLE notice (
    kind text PRIMARY KEY,
    message text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
