-- What a frozen encoder says of a study's images, kept as one content a study. `recipe` tells what encoder, at which size and
-- how: a later job that asks for the same finds it here and encodes nothing twice.
CREATE TABLE feature (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    recipe text NOT NULL,
    digest bytea NOT NULL REFERENCES blob,
    shard bigint,
    PRIMARY KEY (job, stage, centre, study)
);
CREATE INDEX feature_digest ON feature (digest);
CREATE INDEX feature_recipe ON feature (recipe, centre, study, job);
CREATE OR REPLACE FUNCTION blob_is_named(wanted bytea) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM shard_blob WHERE digest = wanted) OR EXISTS (SELECT FROM mask WHERE digest = wanted)
        OR EXISTS (SELECT FROM feature WHERE digest = wanted)
        OR EXISTS (SELECT FROM round r WHERE NOT r.pruned AND r.result = wanted)
        OR EXISTS (
            SELECT FROM round r WHERE NOT r.pruned AND (r.base = wanted OR r.state = wanted)
                AND NOT EXISTS (SELECT FROM job j WHERE j.id = r.job AND j.pruned_at IS NOT NULL)
                AND NOT EXISTS (
                    SELECT FROM stage s WHERE s.job = r.job AND s.name = r.stage AND s.state IN ('complete', 'partial')))
$$;
