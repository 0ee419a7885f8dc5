
-- Chunks hold bytes that do not compress: keep them out of line and as they are.
ALTER TABLE "chunk" ALTER COLUMN "data" SET STORAGE EXTERNAL;

-- Terminal states are written once.
CREATE FUNCTION job_terminal_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('succeeded', 'failed', 'cancelled') AND NEW.status <> OLD.status THEN
    RAISE EXCEPTION 'job % has ended as %', OLD.id, OLD.status USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER job_terminal_once BEFORE UPDATE OF status ON "job" FOR EACH ROW EXECUTE FUNCTION job_terminal_once();

-- The project of an installation without keys.
INSERT INTO "project" ("id", "name") VALUES ('prj_default', 'default');
