import { NAME_PATTERN } from './ids.ts';

/** A place in a list of named things, newest first: when it was made and its name. */
export interface NamePosition {
  readonly createdAt: Date;
  readonly name: string;
}

/** How a place is written into a cursor. */
export const NAME_POSITION = new RegExp(`^\\d{1,15} ${NAME_PATTERN.slice(1)}`);

export function writeNamePosition({ createdAt, name }: NamePosition): string {
  return `${createdAt.getTime()} ${name}`;
}

/** The place a cursor stands for; null at the start of the list. */
export function readNamePosition(position: string | null): NamePosition | null {
  if (position === null) return null;
  const [milliseconds, name = ''] = position.split(' ');
  return { createdAt: new Date(Number(milliseconds)), name };
}

/** The condition on rows that come after a place in the list: older ones, and of the same age those before it by name. */
export function afterNamePosition(position: NamePosition | null) {
  if (position === null) return {};
  const { createdAt, name } = position;
  return { OR: [{ createdAt: { lt: createdAt } }, { createdAt, name: { lt: name } }] };
}
