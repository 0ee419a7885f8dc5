-- AlterTable
ALTER TABLE "job" ADD COLUMN     "backend" TEXT,
ADD COLUMN     "engine" TEXT;
