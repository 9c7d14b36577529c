/**
 * Commands that a consumer of the mailbox had claimed: `<name>.json.claimed`, with `<name>.json.claimed.lock` beside it.
 * It wrote their archive last, so without one nobody carried them out.
 */
import { type FileOperation, payload } from '../file-operation/file-operation.ts'
import type { Files } from '../files.ts'
import { AT, type Places } from '../layout.ts'
import { look } from '../look.ts'
import { COMMAND_BYTES_MAX, isArchived } from '../mailbox.ts'

const CLAIMED = '.claimed'
const LOCK = '.claimed.lock'

export interface Claim {
  /** Relative to the runtime root, like `backTo`. */
  path: string
  bytes: Uint8Array
  hash: string
  /** Where it waits again; null where it goes aside. */
  backTo: string | null
  note: string
}

/** What is left of claims, by name. Nothing lives that could be at work with one: that was looked at before. */
export function claimsIn(files: Files, places: Places): Claim[] {
  return (files.list(places.at(AT.incoming)) ?? []).sort().flatMap((name): Claim[] => {
    const ending = [LOCK, CLAIMED].find((one) => name.endsWith(`.json${one}`))
    const path = `${AT.incoming}/${name}`
    const found = ending === undefined ? null : look(files, places.at(path))
    if (ending === undefined || found === null || found === 'other') return []
    const { bytes, hash } = found
    if (ending === LOCK) return [{ path, bytes, hash, backTo: null, note: 'whoever claimed the command is gone' }]
    const command = name.slice(0, -ending.length)
    const backTo = `${AT.incoming}/${command}`
    if (isArchived(files, places, command)) return [{ path, bytes, hash, backTo: null, note: 'carried out already' }]
    if (files.stat(places.at(backTo)) !== null)
      return [{ path, bytes, hash, backTo: null, note: `${command} waits under its own name` }]
    return [{ path, bytes, hash, backTo, note: 'claimed, and carried out by nobody' }]
  })
}

/** Back among the commands that wait, under the name it had. */
export function unclaimed({ path, bytes, hash, backTo }: Claim): FileOperation[] {
  const content = bytes.length <= COMMAND_BYTES_MAX ? payload(bytes) : null
  return backTo === null ? [] : [{ op: 'move', from: path, to: backTo, content, hash }]
}
