/** What a crash may leave of bytes that were being written, and what is left to do of an append then. */

/**
 * What is left to do of an append: cut the file to `keep` bytes, then write `add`; null if it is done. `gap`: foreign
 * bytes are in the way, or bytes are missing; then it is written at the end, on a line of its own.
 */
export function appendStep(
  size: number,
  read: (offset: number, length: number) => Uint8Array,
  offset: number,
  bytes: Buffer,
): { keep: number; add: Buffer; gap: boolean } | null {
  if (size === offset) return { keep: size, add: bytes, gap: false }
  if (size > offset) {
    const there = read(offset, bytes.length)
    if (bytes.equals(there)) return null
    if (size <= offset + bytes.length && isTorn(there, bytes)) return { keep: offset, add: bytes, gap: false }
  }
  const tailAt = Math.max(0, size - bytes.length)
  const tail = Buffer.from(read(tailAt, bytes.length))
  if (tail.equals(bytes) && (tailAt === 0 || read(tailAt - 1, 1)[0] === NEWLINE)) return null
  const torn = tornEnd(tail, bytes, size > tail.length)
  if (torn > 0) return { keep: size - torn, add: bytes, gap: true }
  const ownLine = size === 0 || tail.at(-1) === NEWLINE
  return { keep: size, add: ownLine ? bytes : Buffer.concat([Buffer.from('\n'), bytes]), gap: true }
}

const NEWLINE = 10

/** Length of the longest torn copy of `ours` that begins a line and ends the tail. */
function tornEnd(tail: Buffer, ours: Buffer, cut: boolean): number {
  const after = (from: number) => tail.indexOf(NEWLINE, from) + 1 || tail.length
  for (let start = cut ? after(0) : 0; start < tail.length; start = after(start)) {
    if (isTorn(tail.subarray(start), ours)) return tail.length - start
  }
  return 0
}

/** Whether found bytes are what a crash may leave of ours: a prefix, possibly followed by zeros. */
export function isTorn(found: Uint8Array, ours: Uint8Array): boolean {
  if (found.length > ours.length) return false
  let at = 0
  while (at < found.length && found[at] === ours[at]) at++
  while (at < found.length && found[at] === 0) at++
  return at === found.length
}
