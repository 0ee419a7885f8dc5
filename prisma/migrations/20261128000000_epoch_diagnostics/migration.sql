-- AlterTable
ALTER TABLE "epoch" ADD COLUMN     "diagnostics" JSON;
