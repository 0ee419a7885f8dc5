-- AlterTable
ALTER TABLE "job" ADD COLUMN     "alone" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "forked_from" JSON,
ADD COLUMN     "paused_at" TIMESTAMPTZ(3),
ADD COLUMN     "retried_from" TEXT,
ADD COLUMN     "retries" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "suspect" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "wish" TEXT;

UPDATE "job" SET "wish" = 'cancel' WHERE "cancel_requested" AND "ended_at" IS NULL;

-- AlterTable
ALTER TABLE "job" DROP COLUMN "cancel_requested";

-- AlterTable
ALTER TABLE "job" RENAME COLUMN "crash_count" TO "crashes";

ALTER TABLE "job" ADD CONSTRAINT "job_status_known" CHECK ("status" IN
  ('validating', 'queued', 'running', 'paused', 'interrupted', 'waiting_for_worker', 'succeeded', 'failed', 'cancelled'));
ALTER TABLE "job" ADD CONSTRAINT "job_wish_known" CHECK ("wish" IN ('cancel', 'stop', 'pause'));

-- Terminal states are written once; the only way out is a retry, which counts itself. A fence never goes back.
CREATE OR REPLACE FUNCTION job_terminal_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('succeeded', 'failed', 'cancelled') AND NEW.status <> OLD.status
     AND NOT (OLD.status <> 'succeeded' AND NEW.status = 'queued' AND NEW.retries = OLD.retries + 1) THEN
    RAISE EXCEPTION 'job % has ended as %', OLD.id, OLD.status USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION job_fence_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.fence < OLD.fence THEN
    RAISE EXCEPTION 'the fence of job % goes back from % to %', OLD.id, OLD.fence, NEW.fence USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER job_fence_forward BEFORE UPDATE OF fence ON "job" FOR EACH ROW EXECUTE FUNCTION job_fence_forward();
