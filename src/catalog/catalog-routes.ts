import Type from 'typebox';
import { catalog } from '../engine/index.ts';
import type { App } from '../http/app-type.ts';
import { decodeCursor, type ListKind, page, pagingProperties } from '../http/pagination.ts';
import { ListOf, StrictObject } from '../http/schemas.ts';

const CatalogEntry = Type.Object(
  {
    type: Type.String({ description: 'What a spec calls it.' }),
    summary: Type.String(),
    source: Type.Optional(Type.String({ description: 'The paper it is from.' })),
    schema: Type.Unknown({ description: 'JSON Schema of its options, with their defaults.' }),
  },
  { title: 'CatalogEntry' },
);

/** A catalog is short; by default it is read at once. */
const catalogQuery = StrictObject(pagingProperties({ fallback: 100, max: 100 }));

/** What a spec and a training may be made of, from the engine's own tables. */
export async function catalogRoutes(app: App): Promise<void> {
  for (const [kind, entries] of Object.entries(catalog())) {
    const list: ListKind = { name: `catalog/${kind}`, position: /^[a-z0-9_]{1,60}$/ };
    app.get(
      `/v1/catalog/${kind}`,
      {
        schema: {
          operationId: `list${kind.charAt(0).toUpperCase()}${kind.slice(1)}`,
          tags: ['catalog'],
          summary: `The ${kind} there are`,
          querystring: catalogQuery,
          response: { 200: ListOf(CatalogEntry) },
        },
      },
      async (request) => {
        const after = decodeCursor(list, request.query.cursor);
        const start = after === null ? 0 : entries.findIndex((entry) => entry.type === after) + 1;
        const rows = entries.slice(start, start + request.query.limit + 1);
        return page(list, rows, request.query.limit, { positionOf: (entry) => entry.type, view: (entry) => entry });
      },
    );
  }
}
