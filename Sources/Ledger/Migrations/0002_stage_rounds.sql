-- How many rounds a stage makes at most: how long training still takes cannot be told from the shards of one round.
ALTER TABLE stage ADD COLUMN rounds integer NOT NULL DEFAULT 1;
