-- A step of a pipeline has a name of its own, by which all tables know it; what it runs is its kind. Until now both were one.
ALTER TABLE stage ADD COLUMN kind text;
UPDATE stage SET kind = name;
ALTER TABLE stage ALTER COLUMN kind SET NOT NULL;
