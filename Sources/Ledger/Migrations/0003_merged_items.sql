-- One row an item and reason: what is wrong with an image twice over is two rows, and what a later round or another shard
-- says again is merged into the row that is there.
ALTER TABLE item_status DROP CONSTRAINT item_status_pkey,
    ADD PRIMARY KEY (job, stage, centre, study, image, reason_code);
-- When a job's contents were removed (`endoked prune`); its models and evaluations may still be there.
ALTER TABLE job ADD COLUMN pruned_at timestamptz;
-- Deltas come and go by the gigabyte within a job: their space must be free again before the next round needs it.
ALTER TABLE blob_chunk SET (
    toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_threshold = 10000,
    toast.autovacuum_vacuum_cost_delay = 0
);
-- Whether somebody still needs a content. What a stage began with and what its reduction kept are needed while it may go on;
-- of a stage that came to its end, and of a pruned job, only what it made.
CREATE FUNCTION blob_is_named(wanted bytea) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM shard_blob WHERE digest = wanted) OR EXISTS (SELECT FROM mask WHERE digest = wanted)
        OR EXISTS (SELECT FROM round r WHERE NOT r.pruned AND r.result = wanted)
        OR EXISTS (
            SELECT FROM round r WHERE NOT r.pruned AND (r.base = wanted OR r.state = wanted)
                AND NOT EXISTS (SELECT FROM job j WHERE j.id = r.job AND j.pruned_at IS NOT NULL)
                AND NOT EXISTS (
                    SELECT FROM stage s WHERE s.job = r.job AND s.name = r.stage AND s.state IN ('complete', 'partial')))
$$;
CREATE INDEX round_base ON round (base) WHERE NOT pruned;
CREATE INDEX round_result ON round (result) WHERE NOT pruned;
CREATE INDEX round_state ON round (state) WHERE NOT pruned;
