/**
 * The checksums in the directory of a zip file, which fflate reads past. Only what a small archive needs: one whose
 * directory is given in 64 bits has none for us.
 */

const END = 0x06054b50
const END_BYTES = 22
const COMMENT_BYTES_MAX = 0xffff
const ENTRY = 0x02014b50
const ENTRY_BYTES = 46

/** CRC-32 of each entry, in the order of the directory; null if there is none that can be read. */
export function checksumsOf(archive: Uint8Array): number[] | null {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  const end = endOf(bytes)
  if (end === null) return null
  const checksums: number[] = []
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 8); left > 0; left--) {
    if (at + ENTRY_BYTES > end || bytes.readUInt32LE(at) !== ENTRY) return null
    checksums.push(bytes.readUInt32LE(at + 16))
    const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ]
    at += ENTRY_BYTES + name + extra + comment
  }
  return checksums
}

/** Where the record at the end of the directory begins: the last one there is, before a comment. */
function endOf(bytes: Buffer): number | null {
  const first = Math.max(0, bytes.length - END_BYTES - COMMENT_BYTES_MAX)
  for (let at = bytes.length - END_BYTES; at >= first; at--) if (bytes.readUInt32LE(at) === END) return at
  return null
}
