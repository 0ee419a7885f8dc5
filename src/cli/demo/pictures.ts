const SHADES = ' .:-=+*#%@';
const SIDE = 8;

/** An 8×8 digit (values 0 to 16) as lines of text, two characters a pixel so that it looks square. */
export function digitPicture(pixels: readonly number[]): string[] {
  return Array.from({ length: SIDE }, (_, row) =>
    pixels
      .slice(row * SIDE, (row + 1) * SIDE)
      .map((value) => shade(value).repeat(2))
      .join(''),
  );
}

/** Pictures next to each other, each under its caption. */
export function sideBySide(pictures: readonly { caption: string; lines: readonly string[] }[]): string {
  const width = SIDE * 2;
  const captions = pictures.map(({ caption }) => caption.padEnd(width));
  const rows = Array.from({ length: SIDE }, (_, row) => pictures.map(({ lines }) => lines[row] ?? ''.padEnd(width)));
  return [captions, ...rows].map((cells) => `  ${cells.join('   ')}`.trimEnd()).join('\n');
}

function shade(value: number): string {
  return SHADES[Math.min(SHADES.length - 1, Math.floor((value / 16) * (SHADES.length - 1) + 0.5))] ?? ' ';
}
