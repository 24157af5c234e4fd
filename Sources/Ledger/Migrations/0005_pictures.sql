-- A picture that shows a patient's frame stays in its centre: only what it is called there, and the SHA-256 by which it
-- is recognised, stand here. The digest names no blob.
CREATE TABLE picture (
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    stage text NOT NULL,
    centre text NOT NULL,
    study text NOT NULL,
    image text NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL,
    shard bigint,
    PRIMARY KEY (job, stage, centre, study, image, kind)
);

-- A patient's key was a bare SHA-256 of centre and patient, which anybody opens who tries all numbers and names. Numbers
-- take its place, in an order that nobody knows, since the salt is forgotten: patients stay told apart within their centre.
WITH salt AS MATERIALIZED (
    SELECT gen_random_uuid()::text AS salt
), numbered AS (
    SELECT job, centre, study,
        dense_rank() OVER (PARTITION BY job, centre ORDER BY md5(salt.salt || patient), patient) AS number
    FROM study CROSS JOIN salt
)
UPDATE study SET patient = 'patient ' || numbered.number FROM numbered
WHERE study.job = numbered.job AND study.centre = numbered.centre AND study.study = numbered.study;
