-- AlterTable
ALTER TABLE "checkpoint" ADD COLUMN     "backend" TEXT,
ADD COLUMN     "engine" TEXT,
ADD COLUMN     "pinned" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "worker" ADD COLUMN     "engine" TEXT;

-- AddForeignKey
ALTER TABLE "checkpoint" ADD CONSTRAINT "checkpoint_blob_id_fkey" FOREIGN KEY ("blob_id") REFERENCES "blob"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

