/**
 * An answer without what differs from one time to the next: times, ids made by chance, folders, sizes of the moment.
 * What takes their place has the same length, so that columns and lines stay as they are.
 */
import * as os from 'node:os'
import * as path from 'node:path'

const PACKAGE = path.resolve(import.meta.dirname, '../../..')
/** In the scene everything that people wrote is older than this, and everything that ran is younger. */
const WRITTEN = '2026-03-02'
const RAN = '2026-03-01T11:00:00'
const DATE_CHARS = 'YYYY-MM-DD'.length
/** The moment the answers are looked at. */
export const NOW = new Date('2026-03-01T12:00:00Z')

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g
const DATE = /(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])/g
/** Ids by chance or hash, whole or shortened. */
const HEX = /(?<![0-9A-Za-z])[0-9a-f]{8,64}(?![0-9A-Za-z])/g
/** Folders of the scene that no command was told of: where its work was really done. */
const SCENE = new RegExp(`${os.tmpdir()}/millrace-(rig|scene)-\\w+`, 'g')
/** The same moment in the name of a file. */
const STAMP = /(?<!\d)\d{8}T\d{6}Z/g
const PROCESS = /\bprocess \d+\b/g
/** Units of the system are named by the folder of the workspace and a hash of its path. */
const UNIT = /(millrace[-.])w\d+-[0-9a-f]{6}\b/g
const EPOCH_MS = /(?<=-)\d{13}(?=-)/g
/** Numbers that say how long, how large or how often, by the last word of their name. */
const MOMENTARY = /(^|_)(seconds|milliseconds|ms|bytes|pid|points|revision|process_id|since_revision)$/
/** Of these not even whether there is any is the same each time: a process may be just begun. */
const OF_NO_MATTER = /^(uptime|cpu)_seconds$/
const OF_THE_MACHINE: Readonly<Record<string, string>> = {
  node: 'v20.0.0',
  platform: 'linux x64',
  host: 'here',
}

/** Gives the same stand-in for the same id, in the order in which they are met; `cwd` is the folder of the command. */
export function normaliser(cwd: string): (value: unknown) => unknown {
  const known = new Map<string, number>()
  const numbered = (hex: string): string => {
    const start = hex.slice(0, 8)
    if (!known.has(start)) known.set(start, known.size + 1)
    return String(known.get(start)).padStart(8, '0').padEnd(hex.length, '0')
  }
  const text = (given: string): string =>
    given
      .replaceAll(`${cwd}-outside`, '/home/you/elsewhere')
      .replaceAll(cwd, '/home/you/project')
      .replaceAll(PACKAGE, '/opt/millrace')
      .replaceAll(process.execPath, '/usr/bin/node')
      .replaceAll(process.version, OF_THE_MACHINE.node!)
      .replace(SCENE, '/home/you/$1')
      .replace(TIME, (time, fraction = '') => (time < WRITTEN ? time : `${RAN}${fraction.replace(/\d/g, '0')}Z`))
      .replace(STAMP, '20260301T110000Z')
      .replace(PROCESS, 'process 7')
      .replace(UNIT, '$1project-abc123')
      .replaceAll(` on ${os.hostname()} `, ' on here ')
      .replace(DATE, (date) => (date < WRITTEN ? date : RAN.slice(0, DATE_CHARS)))
      .replace(EPOCH_MS, '1772362800000')
      .replace(HEX, numbered)
  const walk = (value: unknown, name: string): unknown => {
    if (typeof value === 'string') return OF_THE_MACHINE[name] ?? (name === 'version' ? '1.2.3' : text(value))
    if (typeof value === 'number') return MOMENTARY.test(name) && (value !== 0 || OF_NO_MATTER.test(name)) ? 7 : value
    if (Array.isArray(value)) return value.map((one) => walk(one, name))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [text(key), walk(member, key)]))
  }
  return (value) => walk(value, '')
}

const LISTED_MAX = 4
const LINES_MAX = 120

/** A value with long lists cut, for one that is read by people. */
export function shortened(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.slice(0, LISTED_MAX).map(shortened)
    return value.length > LISTED_MAX ? [...kept, `… ${value.length - LISTED_MAX} more`] : kept
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shortened(member)]))
}

export function head(text: string): string {
  const lines = text.split('\n')
  const rest = lines.length - LINES_MAX
  return rest > 0 ? [...lines.slice(0, LINES_MAX), `… ${rest} lines more`].join('\n') : text
}
