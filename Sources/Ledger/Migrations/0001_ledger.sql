-- The ledger. Names are the field's: a study is one examination (a report and its bag of images), a shard is the unit
-- of leasing, retry and progress, an attempt's number is the shard's fence. Centres, studies and images are named by
-- text, as the archive names them; no patient's name and no report text is ever stored. Only now() schedules.

-- Who leads. One row, in a logged table: an epoch that went back after a crash would fence nobody.
CREATE TABLE leader (
    name text PRIMARY KEY CHECK (name = 'coordinator'),
    holder text NOT NULL,
    epoch bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    -- After a take-over no lease is expired before this: workers need time to find the new leader.
    grace_until timestamptz NOT NULL
);
INSERT INTO leader VALUES ('coordinator', '', 0, '-infinity', '-infinity');

CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline json NOT NULL,
    seed bigint NOT NULL,
    archive text NOT NULL,
    -- Whoever submits twice with one key gets the same job.
    idempotency_key text UNIQUE,
    state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'complete', 'partial', 'failed', 'cancelled')),
    message text NOT NULL DEFAULT '',
    numeric_setup text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE TABLE stage (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    name text NOT NULL,
    ordinal integer NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'running', 'complete', 'partial', 'failed', 'skipped', 'cancelled')),
    message text NOT NULL DEFAULT '',
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (job, name)
);

CREATE TABLE centre (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    name text NOT NULL,
    PRIMARY KEY (job, name)
);

CREATE TABLE study (
    job bigint NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    patient text NOT NULL,
    split text NOT NULL,
    language text NOT NULL,
    has_report boolean NOT NULL,
    pathology text,
    PRIMARY KEY (job, centre, study),
    FOREIGN KEY (job, centre) REFERENCES centre ON DELETE CASCADE
);

CREATE TABLE image (
    job bigint NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    image text NOT NULL,
    ordinal integer NOT NULL,
    PRIMARY KEY (job, centre, study, image),
    FOREIGN KEY (job, centre, study) REFERENCES study ON DELETE CASCADE
);

-- Bytes by their SHA-256. A blob exists once its row is here; chunks without it are an upload that goes on.
CREATE TABLE blob (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    size bigint NOT NULL CHECK (size >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE blob_chunk (
    digest bytea NOT NULL CHECK (length(digest) = 32),
    ordinal integer NOT NULL CHECK (ordinal >= 0),
    bytes bytea NOT NULL CHECK (length(bytes) <= 1048576),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, ordinal)
);
-- Parameters and PNGs do not compress.
ALTER TABLE blob_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The hot table: what leasing needs and nothing else.
CREATE TABLE shard (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    round integer NOT NULL,
    key text NOT NULL,
    centre text NOT NULL,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'leased', 'done', 'quarantined', 'cancelled')),
    priority integer NOT NULL DEFAULT 0,
    items integer NOT NULL DEFAULT 1,
    needs_uniform_setup boolean NOT NULL DEFAULT false,
    -- The fence: it grows with every claim, and with nothing else.
    attempt integer NOT NULL DEFAULT 0,
    task_errors integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    worker text,
    boot text,
    leased_at timestamptz,
    lease_until timestamptz,
    UNIQUE (job, stage, round, key),
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state = 'leased') = (worker IS NOT NULL))
) WITH (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX shard_queued ON shard (centre, priority DESC, id) WHERE state = 'queued';
CREATE INDEX shard_leased ON shard (worker) WHERE state = 'leased';
CREATE INDEX shard_quarantined ON shard (job, stage) WHERE state = 'quarantined';

CREATE TABLE shard_input (
    shard bigint PRIMARY KEY REFERENCES shard ON DELETE CASCADE,
    input json NOT NULL
);

-- One accepted result a shard, however many were offered: the primary key is the last wall behind the fence.
CREATE TABLE shard_result (
    shard bigint PRIMARY KEY REFERENCES shard ON DELETE CASCADE,
    attempt integer NOT NULL,
    worker text NOT NULL,
    boot text NOT NULL,
    epoch bigint NOT NULL,
    leased_at timestamptz NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    record json NOT NULL
);

-- Which blobs a shard reads and which it made.
CREATE TABLE shard_blob (
    shard bigint NOT NULL REFERENCES shard ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('input', 'output')),
    ordinal integer NOT NULL,
    digest bytea NOT NULL REFERENCES blob,
    PRIMARY KEY (shard, role, ordinal)
);
CREATE INDEX shard_blob_digest ON shard_blob (digest);

-- Attempts that ended without a result; the accepted one is in shard_result.
CREATE TABLE attempt (
    shard bigint NOT NULL REFERENCES shard ON DELETE CASCADE,
    attempt integer NOT NULL,
    worker text NOT NULL,
    boot text NOT NULL,
    epoch bigint NOT NULL,
    leased_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL CHECK (outcome IN ('failed', 'lost', 'released', 'cancelled')),
    code text NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (shard, attempt)
);

-- Counters that status reads instead of counting shards. The trigger below keeps them, in the same transaction.
CREATE TABLE stage_progress (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    round integer NOT NULL,
    centre text NOT NULL,
    queued bigint NOT NULL DEFAULT 0,
    leased bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    task_errors bigint NOT NULL DEFAULT 0,
    losses bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job, stage, round, centre)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

-- Shards and items done in each ten seconds, for rates.
CREATE TABLE throughput (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    bucket bigint NOT NULL,
    shards bigint NOT NULL,
    items bigint NOT NULL,
    PRIMARY KEY (job, stage, bucket)
) WITH (fillfactor = 50);

CREATE FUNCTION shard_count(changed_job bigint, changed_stage text, changed_round integer, changed_centre text,
    queued bigint, leased bigint, done bigint, quarantined bigint, cancelled bigint,
    task_errors bigint, losses bigint, items_done bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO stage_progress AS p VALUES (changed_job, changed_stage, changed_round, changed_centre,
        queued, leased, done, quarantined, cancelled, task_errors, losses)
    ON CONFLICT (job, stage, round, centre) DO UPDATE SET
        queued = p.queued + excluded.queued, leased = p.leased + excluded.leased, done = p.done + excluded.done,
        quarantined = p.quarantined + excluded.quarantined, cancelled = p.cancelled + excluded.cancelled,
        task_errors = p.task_errors + excluded.task_errors, losses = p.losses + excluded.losses;
    INSERT INTO throughput AS t
        SELECT changed_job, changed_stage, floor(extract(epoch FROM now()) / 10)::bigint, done, items_done WHERE done > 0
    ON CONFLICT (job, stage, bucket) DO UPDATE SET shards = t.shards + excluded.shards, items = t.items + excluded.items;
$$;

-- Sums what a statement changed, for each group; the groups go in a fixed order so that two writers cannot deadlock.
CREATE FUNCTION shard_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    d record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR d IN SELECT job, stage, round, centre,
                count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'leased') AS leased,
                count(*) FILTER (WHERE state = 'done') AS done,
                count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
                count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
                sum(task_errors) AS task_errors, sum(losses) AS losses,
                coalesce(sum(items) FILTER (WHERE state = 'done'), 0) AS items_done
            FROM changed_new GROUP BY job, stage, round, centre ORDER BY job, stage, round, centre
        LOOP
            PERFORM shard_count(d.job, d.stage, d.round, d.centre, d.queued, d.leased, d.done, d.quarantined,
                d.cancelled, d.task_errors, d.losses, d.items_done);
        END LOOP;
    ELSE
        FOR d IN SELECT job, stage, round, centre,
                coalesce(sum(sign) FILTER (WHERE state = 'queued'), 0) AS queued,
                coalesce(sum(sign) FILTER (WHERE state = 'leased'), 0) AS leased,
                coalesce(sum(sign) FILTER (WHERE state = 'done'), 0) AS done,
                coalesce(sum(sign) FILTER (WHERE state = 'quarantined'), 0) AS quarantined,
                coalesce(sum(sign) FILTER (WHERE state = 'cancelled'), 0) AS cancelled,
                sum(sign * task_errors) AS task_errors, sum(sign * losses) AS losses,
                coalesce(sum(sign * items) FILTER (WHERE state = 'done'), 0) AS items_done
            FROM (SELECT 1 AS sign, job, stage, round, centre, state, task_errors, losses, items FROM changed_new
                UNION ALL
                SELECT -1, job, stage, round, centre, state, task_errors, losses, items FROM changed_old) AS both_sides
            GROUP BY job, stage, round, centre ORDER BY job, stage, round, centre
        LOOP
            IF d.queued <> 0 OR d.leased <> 0 OR d.done <> 0 OR d.quarantined <> 0 OR d.cancelled <> 0
                OR d.task_errors <> 0 OR d.losses <> 0 THEN
                PERFORM shard_count(d.job, d.stage, d.round, d.centre, d.queued, d.leased, d.done, d.quarantined,
                    d.cancelled, d.task_errors, d.losses, d.items_done);
            END IF;
        END LOOP;
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER shard_inserted AFTER INSERT ON shard REFERENCING NEW TABLE AS changed_new
    FOR EACH STATEMENT EXECUTE FUNCTION shard_changed();
CREATE TRIGGER shard_updated AFTER UPDATE ON shard REFERENCING OLD TABLE AS changed_old NEW TABLE AS changed_new
    FOR EACH STATEMENT EXECUTE FUNCTION shard_changed();

-- Errors by reason, for status.
CREATE TABLE stage_error (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    code text NOT NULL,
    count bigint NOT NULL,
    last_message text NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (job, stage, code)
) WITH (fillfactor = 50);

CREATE TABLE worker (
    name text PRIMARY KEY,
    boot text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'gone', 'lost')),
    slots integer NOT NULL,
    centres text[] NOT NULL,
    setup text NOT NULL,
    address text NOT NULL,
    version text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);
-- Narrow and apart, so that heartbeats never bloat another table.
CREATE TABLE worker_heartbeat (
    worker text PRIMARY KEY REFERENCES worker ON DELETE CASCADE,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200);

CREATE TABLE model (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    parameter_count bigint NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Digests stay as a record after the blobs of old rounds were pruned; so they are no foreign keys.
CREATE TABLE round (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    round integer NOT NULL,
    expected integer NOT NULL,
    received integer NOT NULL DEFAULT 0,
    rejected integer NOT NULL DEFAULT 0,
    base bytea,
    result bytea,
    -- What the reduction itself keeps for the next round, such as an outer optimiser's momentum.
    state bytea,
    is_final boolean NOT NULL DEFAULT false,
    loss double precision,
    metrics json NOT NULL DEFAULT '{}',
    pruned boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (job, stage, round)
);
CREATE TABLE contribution (
    job bigint NOT NULL,
    stage text NOT NULL,
    round integer NOT NULL,
    replica text NOT NULL,
    centre text NOT NULL,
    samples bigint NOT NULL,
    weight double precision NOT NULL,
    loss double precision,
    delta bytea,
    rejected text,
    PRIMARY KEY (job, stage, round, replica),
    FOREIGN KEY (job, stage, round) REFERENCES round ON DELETE CASCADE
);

CREATE TABLE report_label (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    polyp text NOT NULL CHECK (polyp IN ('yes', 'no', 'uncertain')),
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    findings json NOT NULL,
    source text NOT NULL,
    shard bigint,
    PRIMARY KEY (job, stage, centre, study)
);
CREATE TABLE bag_score (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    head text NOT NULL,
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    shard bigint,
    PRIMARY KEY (job, stage, centre, study, head)
);
CREATE TABLE image_score (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    image text NOT NULL,
    head text NOT NULL,
    -- Below infinity is what NaN is not.
    score double precision NOT NULL CHECK (score > '-infinity' AND score < 'infinity'),
    shard bigint,
    PRIMARY KEY (job, stage, centre, study, image, head)
);
CREATE TABLE box (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    image text NOT NULL,
    x0 double precision NOT NULL,
    y0 double precision NOT NULL,
    x1 double precision NOT NULL,
    y1 double precision NOT NULL,
    area_fraction double precision NOT NULL,
    kept boolean NOT NULL,
    reason text NOT NULL,
    shard bigint,
    PRIMARY KEY (job, stage, centre, study, image),
    CHECK (x0 > '-infinity' AND x0 <= x1 AND x1 < 'infinity' AND y0 > '-infinity' AND y0 <= y1 AND y1 < 'infinity'),
    CHECK (area_fraction BETWEEN 0 AND 1)
);
CREATE TABLE mask (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    image text NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL REFERENCES blob,
    shard bigint,
    PRIMARY KEY (job, stage, centre, study, image, kind)
);
CREATE INDEX mask_digest ON mask (digest);
CREATE TABLE item_status (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    image text NOT NULL,
    status text NOT NULL CHECK (status IN ('done', 'failed', 'skipped', 'empty')),
    reason_code text NOT NULL,
    message text NOT NULL,
    shard bigint,
    PRIMARY KEY (job, stage, centre, study, image)
);
CREATE TABLE evaluation (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    subject text NOT NULL,
    -- Empty where no model was involved: a NULL would not be unique.
    model bytea NOT NULL,
    data_set text NOT NULL,
    centre text NOT NULL,
    level text NOT NULL,
    head text NOT NULL,
    metric text NOT NULL,
    -- NULL where the metric is not defined on this data; the note says why.
    value double precision CHECK (value > '-infinity' AND value < 'infinity'),
    lower double precision,
    upper double precision,
    count bigint NOT NULL,
    note text NOT NULL,
    evaluated_at timestamptz NOT NULL DEFAULT now(),
    shard bigint,
    PRIMARY KEY (job, stage, subject, model, data_set, centre, level, head, metric)
);
CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    job bigint REFERENCES job ON DELETE CASCADE,
    stage text,
    epoch bigint NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL,
    message text NOT NULL
);
CREATE INDEX event_job ON event (job, id);
