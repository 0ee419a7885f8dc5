import type { Database } from '../db/database.ts';

/** What a worker process says about itself. */
export interface WorkerInfo {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  readonly version: string;
  /** Version of the engine's numbers; null from a worker that does not say. */
  readonly engine: string | null;
  readonly backend: string;
  /** Jobs it runs at the same time. */
  readonly slots: number;
}

export interface LiveWorker extends WorkerInfo {
  readonly jobIds: readonly string[];
  readonly lastHeartbeatAt: Date;
}

export type WorkerStore = ReturnType<typeof createWorkerStore>;

/** Rows of worker processes. */
export function createWorkerStore({ prisma }: Pick<Database, 'prisma'>) {
  return {
    /** Writes the row, or only its heartbeat when it is there. All times are the database's: machines' clocks differ. */
    async heartbeat({ id, pid, host, version, engine, backend, slots }: WorkerInfo): Promise<void> {
      await prisma.$executeRaw`
        INSERT INTO worker (id, pid, host, version, engine, backend, slots)
        VALUES (${id}, ${pid}, ${host}, ${version}, ${engine}, ${backend}, ${slots})
        ON CONFLICT (id) DO UPDATE SET last_heartbeat_at = now()`;
    },

    async remove(ids: readonly string[]): Promise<void> {
      await prisma.worker.deleteMany({ where: { id: { in: [...ids] } } });
    },

    /** Ids of all rows of a process, dead or alive. */
    async idsOf(process: { host: string; pid: number }): Promise<string[]> {
      const rows = await prisma.worker.findMany({ where: { host: process.host, pid: process.pid }, select: { id: true } });
      return rows.map(({ id }) => id);
    },

    /** Workers heard of lately, newest first, each with its jobs of the project; `before` is the id of the last one seen. */
    async listLive(project: string, silentSecondsMax: number, take: number, before: string | null): Promise<LiveWorker[]> {
      const workers = await prisma.$queryRaw<Omit<LiveWorker, 'jobIds'>[]>`
        SELECT id, pid, host, version, engine, backend, slots, last_heartbeat_at AS "lastHeartbeatAt" FROM worker
         WHERE last_heartbeat_at > now() - make_interval(secs => ${silentSecondsMax}) AND (${before}::text IS NULL OR id < ${before})
         ORDER BY id DESC LIMIT ${take}`;
      const jobs = await prisma.job.findMany({
        where: { projectId: project, status: 'running', workerId: { in: workers.map(({ id }) => id) } },
        select: { id: true, workerId: true },
        orderBy: { id: 'asc' },
      });
      return workers.map((worker) => ({
        ...worker,
        jobIds: jobs.filter(({ workerId }) => workerId === worker.id).map(({ id }) => id),
      }));
    },
  };
}
