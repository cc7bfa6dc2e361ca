// Counts the segments of a text. The rule is the same as in core/src/text/segments.rs; a test compares the two.

const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENSION = new Set('\f^{}\\[~]|€');
const CAPACITY = { 'GSM-7': [160, 153], 'UCS-2': [70, 67] };

// Returns the coding, the length in septets or 16-bit units, the number of segments, the capacity of all segments
// together, and the first character that GSM-7 does not have.
export function segments(text) {
  const characters = [...text];
  const odd = characters.find((c) => !BASIC.has(c) && !EXTENSION.has(c)) ?? null;
  const coding = odd === null ? 'GSM-7' : 'UCS-2';
  const width = odd === null ? (c) => (BASIC.has(c) ? 1 : 2) : (c) => c.length;
  const [alone, part] = CAPACITY[coding];
  const units = characters.reduce((sum, c) => sum + width(c), 0);
  if (units <= alone) return { coding, units, count: 1, room: alone, odd };
  let count = 1;
  let filled = 0;
  for (const c of characters) {
    // An escape pair or a surrogate pair must stay in one segment.
    if (filled + width(c) > part) {
      count += 1;
      filled = 0;
    }
    filled += width(c);
  }
  return { coding, units, count, room: count * part, odd };
}
