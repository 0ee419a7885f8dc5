import Type from 'typebox';
import { Id, Nullable, Timestamp } from '../http/schemas.ts';

export const WorkerReply = Type.Object(
  {
    id: Id('worker'),
    pid: Type.Integer(),
    host: Type.String(),
    version: Type.String({ description: 'Version of the service it runs.' }),
    engine: Nullable(Type.String({ description: "Version of the engine's numbers." })),
    backend: Type.String({ description: 'The kernels it trains with, e.g. `native-avx512`.' }),
    slots: Type.Integer({ description: 'Jobs it runs at the same time.' }),
    jobs: Type.Array(Id('job'), { description: 'Jobs of your project it runs now.' }),
    last_heartbeat_at: Timestamp,
  },
  { title: 'Worker' },
);
