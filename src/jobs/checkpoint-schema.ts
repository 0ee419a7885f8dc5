import Type from 'typebox';
import { pagingProperties } from '../http/pagination.ts';
import { Id, Nullable, problemReply, StrictObject, Timestamp } from '../http/schemas.ts';

export const checkpointParams = StrictObject({ id: Id('job'), checkpoint: Id('checkpoint') });

export const checkpointListQuery = StrictObject(pagingProperties());

export const CheckpointReply = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('checkpoint'),
    job: Type.String(),
    epoch: Type.Integer({ description: 'The epoch it was taken after.' }),
    step: Type.Integer({ description: 'Updates done until then.' }),
    bytes: Type.Integer({ description: 'Of the whole state: weights, what the optimizer remembers, counters.' }),
    sha256: Type.String({ description: 'Of these bytes.' }),
    best: Type.Boolean({ description: 'Taken after the best epoch so far.' }),
    latest: Type.Boolean({ description: 'The newest of the job: where it would go on.' }),
    pinned: Type.Boolean({
      description: 'Not removed to make room. Deleting the job, a retry from the start and damage remove it all the same.',
    }),
    engine: Nullable(Type.String({ description: "Version of the engine's numbers." })),
    backend: Nullable(Type.String({ description: 'Only a worker whose kernels give the same bits goes on from it.' })),
    created_at: Timestamp,
    links: Type.Record(Type.String(), Type.String()),
  },
  { title: 'Checkpoint' },
);

export const pinRefusals = {
  429: problemReply('The pinned checkpoints of the project would take more than CHECKPOINT_BYTES_MAX (`quota_exceeded`)'),
};
