/** One operation of an RFC 6902 JSON Patch: the subset our suggestions use. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** The document with the operations applied in order; the given one is left as it is. Paths must exist, as in our suggestions they do. */
export function applyPatch(document: unknown, operations: readonly PatchOperation[]): unknown {
  return operations.reduce((patched, operation) => applyAt(patched, keysOf(operation.path), operation), document);
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function applyAt(target: unknown, [key, ...rest]: readonly string[], operation: PatchOperation): unknown {
  if (key === undefined) return operation.op === 'remove' ? null : operation.value;
  return Array.isArray(target) ? applyToList(target, [key, ...rest], operation) : applyToObject(target ?? {}, [key, ...rest], operation);
}

function applyToList(target: readonly unknown[], [key, ...rest]: readonly [string, ...string[]], operation: PatchOperation): unknown {
  const index = key === '-' ? target.length : Number(key);
  if (rest.length > 0) return target.with(index, applyAt(target[index], rest, operation));
  if (operation.op === 'remove') return target.toSpliced(index, 1);
  return target.toSpliced(index, operation.op === 'add' ? 0 : 1, operation.value);
}

function applyToObject(target: object, [key, ...rest]: readonly [string, ...string[]], operation: PatchOperation): unknown {
  const others = Object.entries(target).filter(([name]) => name !== key);
  if (rest.length === 0 && operation.op === 'remove') return Object.fromEntries(others);
  const before: unknown = Object.entries(target).find(([name]) => name === key)?.[1];
  return Object.fromEntries([...others, [key, applyAt(before, rest, operation)]]);
}
