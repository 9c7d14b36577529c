/** Assets as the compiler receives them: files with their text and whose copy they are, parsed into families. */
import * as z from 'zod'
import { clip } from './clip.ts'
import { Findings } from './diagnostics.ts'
import { Loop } from './loop.ts'
import { Mode, ModeAliases } from './mode.ts'
import { ModelProfile } from './model-profile.ts'
import { didYouMean, nearest } from './nearest.ts'
import { StageKind } from './stage.ts'

export interface AssetFile {
  /** Relative to the assets root, with `/`. */
  path: string
  /** `NOT_TEXT` for a file that is not UTF-8. */
  text: string
  source: 'package' | 'workspace'
}

/** Stands for the text of a file that has none. */
export const NOT_TEXT = '\uFFFD'

/** What the catalogue hands over: every asset file, workspace copies already laid over packaged ones. */
export interface Assets {
  files: ReadonlyMap<string, AssetFile>
}

export interface Parsed<T> {
  value: T
  file: AssetFile
  /** Paths of other files that declare the same id: harmless until the id is used. */
  rivals: string[]
}

export interface AssetFamilies {
  modes: Map<string, Parsed<Mode>>
  loops: Map<string, Parsed<Loop>>
  stageKinds: Map<string, Parsed<StageKind>>
  modelProfiles: Map<string, Parsed<ModelProfile>>
  aliases: Record<string, string>
  /** Findings on files that cannot be used, by path: told only where the file is needed. */
  broken: Map<string, Findings>
}

const ALIASES = 'modes/aliases.json'

/** Parses every JSON asset, in the order of their paths. A broken file never spoils the others. */
export function parseFamilies(assets: Assets): AssetFamilies {
  const families: AssetFamilies = {
    modes: new Map(),
    loops: new Map(),
    stageKinds: new Map(),
    modelProfiles: new Map(),
    aliases: {},
    broken: new Map(),
  }
  const parse = <T>(file: AssetFile, schema: z.ZodType<T>): T | null => {
    const findings = new Findings()
    const value = parseJson(file, schema, findings)
    if (value === null) families.broken.set(file.path, findings)
    return value
  }
  const take = <T>(
    file: AssetFile,
    schema: z.ZodType<T>,
    into: Map<string, Parsed<T>>,
    idOf: (value: T) => string,
  ): void => {
    const value = parse(file, schema)
    if (value === null) return
    const earlier = into.get(idOf(value))
    if (earlier) earlier.rivals.push(file.path)
    else into.set(idOf(value), { value, file, rivals: [] })
  }
  for (const file of [...assets.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (!file.path.endsWith('.json')) continue
    if (file.path === ALIASES) families.aliases = parse(file, ModeAliases)?.aliases ?? {}
    else if (file.path.startsWith('modes/')) take(file, Mode, families.modes, (mode) => mode.mode_id)
    else if (file.path.startsWith('graphs/')) take(file, Loop, families.loops, (loop) => loop.loop_id)
    else if (file.path.startsWith('registry/stage_kinds/'))
      take(file, StageKind, families.stageKinds, (kind) => kind.stage_kind_id)
    else if (file.path.startsWith('registry/model_profiles/'))
      take(file, ModelProfile, families.modelProfiles, (profile) => profile.model_profile_id)
  }
  return families
}

const ISSUES_MAX = 20
const KEY_CHARS_MAX = 200

function parseJson<T>(file: AssetFile, schema: z.ZodType<T>, findings: Findings): T | null {
  let json: unknown
  try {
    json = JSON.parse(file.text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const reason = file.text === NOT_TEXT ? 'the file is not UTF-8 text' : (error as Error).message.split('\n')[0]
    const at = jsonErrorPlace(file.text, error as Error)
    findings.error('ASSET_BAD_JSON', file.path, at, `${reason}; mend the JSON there`)
    return null
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues.slice(0, ISSUES_MAX)) {
    const at = issue.path.length > 0 ? issue.path.join('.') : null
    if (issue.code !== 'unrecognized_keys')
      findings.error('ASSET_INVALID', file.path, at, `${issue.message}; correct it`)
    else
      for (const key of issue.keys.slice(0, ISSUES_MAX))
        findings.error('ASSET_INVALID', file.path, at, unknownKey(clip(key, KEY_CHARS_MAX), schema, at))
  }
  return null
}

function unknownKey(key: string, schema: z.ZodType, at: string | null): string {
  const known = at === null && schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  return `unknown key ${key}; ${didYouMean(nearest(key, known), 'remove it')}`
}

/** Line and column of a JSON syntax error, as far as the engine's message tells the position. */
function jsonErrorPlace(text: string, error: Error): string | null {
  const position = /position (\d+)/.exec(error.message)?.[1]
  if (position === undefined && !/end of JSON/.test(error.message)) return null
  const before = position === undefined ? text.trimEnd() : text.slice(0, Number(position))
  const line = before.split('\n').length
  return `line ${line}, column ${before.length - before.lastIndexOf('\n')}`
}

/**
 * Findings on the broken file that would have declared an id, judged by its path: `graphs/execution/standard.json` is
 * taken for the loop `execution.standard`, or `standard`.
 */
export function brokenFileFor(families: AssetFamilies, folder: string, id: string): Findings | undefined {
  for (const [path, findings] of families.broken) {
    if (!path.startsWith(folder)) continue
    const names = path.slice(folder.length, -'.json'.length).split('/')
    if (names.join('.') === id || names.at(-1) === id) return findings
  }
  return undefined
}

/** Findings on the aliases, if that file is broken. */
export function brokenAliases(families: AssetFamilies): Findings | undefined {
  return families.broken.get(ALIASES)
}
