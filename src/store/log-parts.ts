/** A log in parts: the live file, and those put aside of it as `<name>.<stamp>.<revision>.jsonl` (lower.ts names them). */
import * as path from 'node:path'
import type { Files } from './files.ts'
import type { Places } from './layout.ts'

interface LogPart {
  /** Absolute. */
  file: string
  /** When it was put aside, in whole seconds as milliseconds since the epoch; never for the live one. */
  asideMs: number
}

/** Oldest first; the live file last, whether or not it is there. `log`: relative to the runtime root. */
export function logParts(files: Files, places: Places, log: string): LogPart[] {
  const folder = path.dirname(places.at(log))
  const stem = path.basename(log).replace(/jsonl$/, '')
  const aside = (files.list(folder) ?? []).flatMap((name) => {
    const [, stamp, revision] = name.startsWith(stem)
      ? (/^(\d{8}T\d{6}Z)\.(\d+)\.jsonl$/.exec(name.slice(stem.length)) ?? [])
      : []
    return stamp === undefined
      ? []
      : [{ file: path.join(folder, name), asideMs: msOf(stamp), revision: Number(revision) }]
  })
  return [
    ...aside.sort((a, b) => a.revision - b.revision).map(({ file, asideMs }) => ({ file, asideMs })),
    { file: places.at(log), asideMs: Number.POSITIVE_INFINITY },
  ]
}

const msOf = (stamp: string): number =>
  Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
