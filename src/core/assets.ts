/** Assets as the compiler receives them: files with their text and whose copy they are, parsed into families. */
import type * as z from 'zod'
import type { Findings } from './diagnostics.ts'
import { Loop } from './loop.ts'
import { Mode, ModeAliases } from './mode.ts'
import { StageKind } from './stage.ts'

export interface AssetFile {
  /** Relative to the assets root, with `/`. */
  path: string
  text: string
  source: 'package' | 'workspace'
}

/** What the catalogue hands over: every asset file, workspace copies already laid over packaged ones. */
export interface Assets {
  files: ReadonlyMap<string, AssetFile>
}

export interface Parsed<T> {
  value: T
  file: AssetFile
}

export interface AssetFamilies {
  modes: Map<string, Parsed<Mode>>
  loops: Map<string, Parsed<Loop>>
  stageKinds: Map<string, Parsed<StageKind>>
  aliases: Record<string, string>
  /** Files that exist but are broken, by the id their name suggests: told only where they are needed. */
  broken: Map<string, Findings>
}

/** Parses every JSON asset. Broken files do not spoil the others: their findings wait in `broken` until one is needed. */
export function parseFamilies(assets: Assets, findings: Findings, newFindings: () => Findings): AssetFamilies {
  const families: AssetFamilies = { modes: new Map(), loops: new Map(), stageKinds: new Map(), aliases: {}, broken: new Map() }
  for (const file of [...assets.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (!file.path.endsWith('.json')) continue
    const own = newFindings()
    const take = <T>(schema: z.ZodType<T>, into: Map<string, Parsed<T>>, idOf: (value: T) => string): void => {
      const value = parseJson(file, schema, own)
      if (value === null) {
        families.broken.set(file.path, own)
        return
      }
      const id = idOf(value)
      const earlier = into.get(id)
      if (earlier) findings.error('ASSET_DUPLICATE', file.path, null, `the id ${id} is declared in ${earlier.file.path} too; rename one`)
      else into.set(id, { value, file })
    }
    if (file.path === 'modes/aliases.json') {
      const value = parseJson(file, ModeAliases, findings)
      if (value) families.aliases = value.aliases
    } else if (file.path.startsWith('modes/')) take(Mode, families.modes, (mode) => mode.mode_id)
    else if (file.path.startsWith('graphs/')) take(Loop, families.loops, (loop) => loop.loop_id)
    else if (file.path.startsWith('registry/stage_kinds/')) take(StageKind, families.stageKinds, (kind) => kind.stage_kind_id)
  }
  return families
}

function parseJson<T>(file: AssetFile, schema: z.ZodType<T>, findings: Findings): T | null {
  let json: unknown
  try {
    json = JSON.parse(file.text.replace(/^\uFEFF/, ''))
  } catch (error) {
    findings.error('ASSET_BAD_JSON', file.path, jsonErrorPlace(file.text, error as Error), `${(error as Error).message.split('\n')[0]}`)
    return null
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues.slice(0, 20)) {
    findings.error('ASSET_INVALID', file.path, issue.path.length ? issue.path.join('.') : null, issue.message)
  }
  return null
}

/** Line and column of a JSON syntax error, as far as the engine's message tells the position. */
function jsonErrorPlace(text: string, error: Error): string | null {
  const position = /position (\d+)/.exec(error.message)?.[1]
  if (position === undefined) return text.trim() === '' ? 'line 1' : null
  const before = text.slice(0, Number(position))
  const line = before.split('\n').length
  return `line ${line}, column ${before.length - before.lastIndexOf('\n')}`
}

/** The broken file that would have declared an id, judged by its file name. */
export function brokenFileFor(families: AssetFamilies, folder: string, id: string): Findings | undefined {
  const names = new Set([`${id}.json`, `${id.split('.').pop()}.json`])
  for (const [path, findings] of families.broken) {
    if (path.startsWith(folder) && names.has(path.split('/').pop() ?? '')) return findings
  }
  return undefined
}
