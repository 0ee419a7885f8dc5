import { readFile } from 'node:fs/promises';
import { OPENAPI_FILE } from '../../openapi/generate.ts';

/** One documented route. */
export interface Operation {
  readonly name: string;
  readonly id: string;
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly parameters: readonly string[];
  /** A good JSON body, from the document's own examples; null for a route without one. */
  readonly example: unknown;
  /** Whether it may be left out. */
  readonly isBodyOptional: boolean;
  /** What it answers with when it succeeds. */
  readonly successes: readonly number[];
}

interface Documented {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<
      Record<string, { readonly example?: unknown; readonly examples?: Readonly<Record<string, { value: unknown }>> }>
    >;
  };
}

/** Every route of the document in the repository, so that a new one cannot be forgotten here. */
export async function documentedOperations(): Promise<readonly Operation[]> {
  const document: { paths: Record<string, Record<string, Documented>> } = JSON.parse(await readFile(OPENAPI_FILE, 'utf8'));
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, documented]) => ({
      name: `${method.toUpperCase()} ${path}`,
      id: documented.operationId,
      method: method.toUpperCase(),
      path,
      parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
      example: exampleOf(documented),
      isBodyOptional: documented.requestBody?.required === false,
      successes: Object.keys(documented.responses)
        .map(Number)
        .filter((status) => status < 300),
    })),
  );
}

function exampleOf({ requestBody }: Documented): unknown {
  const media = requestBody?.content['application/json'];
  if (media === undefined) return null;
  return media.example ?? Object.values(media.examples ?? {})[0]?.value;
}
