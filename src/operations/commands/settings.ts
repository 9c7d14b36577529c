/** The command that sets one key of millrace.toml, or takes it out. Comments, order and every other line stay. */
import { patch } from '@decimalturn/toml-patch'
import { Draft } from '../../core/changes.ts'
import { type Config, type ConfigKey, configKeys, parseConfig } from '../../core/config.ts'
import { meant, whyNotCarried } from '../../core/config-carried.ts'
import { MillraceError } from '../../core/errors.ts'
import { canonicalJson } from '../../core/ids.ts'
import { type LineEdit, mergeLines } from '../../core/line-edit.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import { keyLines } from '../../core/toml-lines.ts'
import type { View } from '../../core/view.ts'
import { CONFIG_BYTES_MAX, keyPath, parseTable, tomlValue } from '../../store/config-file.ts'
import { AT } from '../../store/layout.ts'
import { named, reasonOf, record } from './interventions.ts'
import { done, only, text, unchanged } from './payload.ts'

type Table = Record<string, unknown>

const BOM = '\uFEFF'
const FILE = named(AT.config)

export const setConfig: ChangeOperation = (context, payload) => {
  only(payload, 'key', 'value', 'unset', 'reason')
  const { view } = context
  const key = text(payload, 'key')
  const path = keyPath(key)
  const known = knownKey(path)
  if (context.live && known.boundary === 'restart')
    throw new MillraceError(
      'restart_needed',
      `${key} counts only for a runtime that is started anew; nothing was changed.`,
      {
        hint: 'stop the runtime with `millrace daemon stop`, set it, and start again',
      },
    )
  const { source, hash } = configText(view)
  const before = parseTable(source)
  const unset = payload.unset === true
  const after = edited(before, key, () =>
    unset ? withoutKey(before, path) : withValue(before, path, rawValue(payload)),
  )
  const [old, value] = [memberAt(before, path), memberAt(after, path)]
  const hidden = path.includes('env')
  const shown = (one: unknown) => (one === undefined ? 'the default' : hidden ? 'a value' : JSON.stringify(one))
  const found = { key: path.join('.'), boundary: known.boundary, diff: [] as string[] }
  if (canonicalJson(old) === canonicalJson(value)) {
    const { output } = unchanged(old === undefined ? `${key} is not set` : `${key} is ${shown(old)} already`)
    return { changes: [], output: { ...output, ...found } }
  }
  const lines = edit(source, after, value === undefined ? null : path)
  const draft = new Draft(view)
  draft.add({ change: 'config.set', text: lines.text, hash })
  record(context, draft, {
    action: unset ? 'config_unset' : 'config_set',
    event: 'config_changed',
    reason: reasonOf(payload, `operator ${unset ? 'took out' : 'set'} ${key}`),
    source_path: AT.config,
    destination_path: AT.config,
    before: { [key]: hidden ? null : (old ?? null) },
    after: { [key]: hidden ? null : (value ?? null) },
  })
  return done(draft, `${key} is ${shown(value)} now, was ${shown(old)}`, {
    ...found,
    artifact_path: FILE,
    // A value of an environment may be a secret; where it is kept is enough to know.
    diff: hidden ? [] : [...lines.removed.map((line) => `- ${line}`), ...lines.added.map((line) => `+ ${line}`)],
  })
}

/** The text of the file; none if there is no file. Refuses what is no plain text, because it could not be put back. */
function configText(view: View): { source: string; hash: string | null } {
  const hash = view.hashOf(FILE)
  const source = view.readFile(FILE)
  if (source !== null && Buffer.byteLength(source) <= CONFIG_BYTES_MAX) return { source, hash }
  if (hash === null) return { source: '', hash }
  throw new MillraceError('config_invalid', `${FILE} is a link, no text, or larger than ${CONFIG_BYTES_MAX} bytes.`, {
    hint: 'edit it by hand, then run `millrace config validate`',
  })
}

/** The key itself, or the one it is a member of. Throws `config_invalid` for a section, or for what nobody knows. */
function knownKey(path: readonly string[]): ConfigKey {
  const keys = configKeys()
  const meantPath = meant(path).path
  const fits = (known: readonly string[]) => known.every((part, at) => part === '*' || part === meantPath[at])
  const found = keys.find((one) => one.key.split('.').length <= meantPath.length && fits(one.key.split('.')))
  if (found !== undefined) return found
  const full = path.join('.')
  const why = whyNotCarried(path)
  if (why !== null)
    throw new MillraceError('config_invalid', `${full} is a key of another version, and is not carried: ${why}.`, {
      hint: 'list the keys there are with `millrace config show`',
    })
  const inside = keys.filter((one) => one.key.startsWith(`${full}.`)).map((one) => one.key)
  if (inside.length > 0)
    throw new MillraceError('config_invalid', `${full} is a section, not a key.`, {
      hint: `its keys: ${inside.slice(0, KEYS_NAMED_MAX).join(', ')}${inside.length > KEYS_NAMED_MAX ? ', …' : ''}`,
    })
  const near = nearest(
    full,
    keys.map((one) => chosen(one.key, path)),
  )
  throw new MillraceError('config_invalid', `There is no key ${full}.`, {
    hint: didYouMean(near, 'list them with `millrace config show`'),
  })
}

const KEYS_NAMED_MAX = 8

/** A known key with the names the user chose in place of its `*`. */
const chosen = (key: string, path: readonly string[]): string =>
  key
    .split('.')
    .map((part, at) => (part === '*' ? (path[at] ?? part) : part))
    .join('.')

function rawValue(payload: Table): string {
  if (typeof payload.value === 'string' && payload.value.length <= CONFIG_BYTES_MAX) return payload.value
  throw new MillraceError('usage', 'There is no value to set.', { hint: 'give one, or take the key out with --unset' })
}

/** The table with the value as TOML, or else as text; whatever the key takes. Throws `config_invalid`. */
function withValue(table: Table, path: readonly string[], raw: string): Table {
  const typed = withMember(table, path, tomlValue(raw))
  if (memberAt(typed, path) === raw) return checked(typed)
  try {
    return checked(typed)
  } catch (error) {
    const asText = withMember(table, path, raw)
    try {
      return checked(asText)
    } catch {
      throw error
    }
  }
}

/** What a sound file would come to; if it is the change that is wrong, it says nothing of a file to mend. */
function edited(before: Table, key: string, change: () => Table): Table {
  try {
    return change()
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'config_invalid' || !isSound(before)) throw error
    throw new MillraceError('config_invalid', error.message.replace(`${FILE}: `, ''), {
      hint: `nothing was changed; see what it is with \`millrace config show ${key}\``,
    })
  }
}

function isSound(table: Table): boolean {
  try {
    checked(table)
    return true
  } catch {
    return false
  }
}

const withoutKey = (table: Table, path: readonly string[]): Table =>
  memberAt(table, path) === undefined ? table : checked(withMember(table, path, undefined))

function checked(table: Table): Table {
  parseConfig(table, FILE) satisfies Config
  return table
}

/** A copy with one member changed; undefined takes it out. */
function withMember(table: Table, [part, ...rest]: readonly string[], value: unknown): Table {
  const { [part!]: old, ...others } = table
  if (rest.length === 0 && value === undefined) return others
  const inner = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as Table) : {}
  const member = rest.length === 0 ? value : withMember(inner, rest, value)
  // In its place, so that the order of what is there stays.
  const entries = Object.hasOwn(table, part!)
    ? Object.entries(table).map(([name, one]) => [name, name === part ? member : one] as const)
    : [...Object.entries(table), [part!, member] as const]
  return Object.fromEntries(entries)
}

function memberAt(table: unknown, path: readonly string[]): unknown {
  return path.reduce((value: unknown, part) => {
    const isMember = value !== null && typeof value === 'object' && Object.hasOwn(value, part)
    return isMember ? (value as Table)[part] : undefined
  }, table)
}

/** New tables down to this depth get a heading of their own. */
const HEADINGS_DEPTH = 3

/**
 * The source with only the lines changed that say something else in `table`. `path` of a key that is set: if its section
 * has no heading yet, it gets one at the end of the file.
 */
function edit(source: string, table: Table, path: readonly string[] | null): LineEdit {
  const bom = source.startsWith(BOM) ? BOM : ''
  const plain = source.slice(bom.length)
  const lines = plain.replace(/\r\n/g, '\n')
  const patched = patch(lines, table, { inlineTableStart: HEADINGS_DEPTH })
  const headed = path === null ? [] : withHeading(lines, path.slice(0, -1), { [path.at(-1)!]: memberAt(table, path) })
  const edited = [...headed, aboveComment(plain, patched), patched]
    .map((text) => mergeLines(plain, text))
    .find(({ text }) => says(text, table))
  if (edited !== undefined) return { ...edited, text: bom + edited.text }
  throw new MillraceError('config_invalid', `${FILE} is written in a way that cannot be edited by a command.`, {
    hint: 'edit it by hand, then run `millrace config validate`',
  })
}

/**
 * The lines with a heading of its own for a section that has none; nothing where it has one already. An entry among
 * others that people name gets it too: to an inline table nobody could add the next one under a heading by hand.
 */
function withHeading(lines: string, section: readonly string[], member: Table): string[] {
  const isThere = keyLines(lines).has(section.join('.'))
  if (isThere || section.length === 0) return []
  const heading = section.map((part) => (/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part))).join('.')
  const isApart = lines.trim() === '' || lines.endsWith('\n\n')
  const before = isApart ? lines : `${lines}${lines.endsWith('\n') ? '\n' : '\n\n'}`
  return [`${before}[${heading}]\n${patch('', member, { inlineTableStart: 0 })}`]
}

function says(text: string, table: Table): boolean {
  try {
    return canonicalJson(parseTable(text)) === canonicalJson(table)
  } catch {
    return false
  }
}

/** A new key at the end of its section belongs above the comment that introduces the next one. */
function aboveComment(plain: string, patched: string): string {
  const { at, removed, added } = mergeLines(plain, patched)
  const lines = patched.split('\n')
  const isInserted = removed.length === 0 && added.length > 0 && !/^\s*(\[|$)/.test(added[0]!)
  if (!isInserted || !lines[at + added.length]?.startsWith('[')) return patched
  let to = at
  while (to > 0 && /^\s*#/.test(lines[to - 1]!)) to--
  if (to === at) return patched
  while (to > 0 && lines[to - 1]!.trim() === '') to--
  return [...lines.slice(0, to), ...added, ...lines.slice(to, at), ...lines.slice(at + added.length)].join('\n')
}
