/** A workspace as the Python runtime left it: every state file that is read of it, and whether it can be taken over. */
import { MillraceError } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import { type Files, utf8 } from '../files.ts'
import { AT, type Places, statusFile } from '../layout.ts'
import { look } from '../look.ts'
import { upgradeState } from '../state-format.ts'
import {
  ONLY_THESE,
  PythonCounters,
  PythonErrorContext,
  PythonSnapshot,
  PythonTarget,
  readPython,
} from './python-state.ts'

const ERROR_CONTEXT = 'state/runtime_error_context.json'
const GOVERNANCE_STATE = 'state/usage_governance_state.json'
const EPOCH = 'state/workspace_schema_epoch.json'
const BLUEPRINTS = 'blueprints'

export interface PythonWorkspace {
  version: '0.14' | '0.16'
  snapshot: PythonSnapshot
  counters: PythonCounters
  targets: PythonTarget[]
  errorContext: PythonErrorContext | null
  /** Text of the usage ledger; empty if there is none. */
  ledger: string
  /** Bytes of every state file by path relative to the runtime root: those that are replaced, and those that go. */
  replaced: Map<string, Uint8Array>
  gone: Map<string, Uint8Array>
}

/** Null for a workspace that is ours already, or none. Throws `workspace_unsupported`, `state_newer`, `state_corrupt`. */
export function readPythonWorkspace(files: Files, places: Places): PythonWorkspace | null {
  const value = jsonAt(files, places, AT.snapshot)
  if (value === null) return null
  if ((value as { schema_version?: unknown }).schema_version !== '1.0') {
    upgradeState('runtime_snapshot', value)
    return null
  }
  refuseLater(files, places)
  const snapshot = readPython(PythonSnapshot, value, AT.snapshot)
  const targetFiles = (files.list(places.at(AT.targets)) ?? [])
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => `${AT.targets}/${name}`)
    .sort()
  const read = <T>(file: string, schema: Parameters<typeof readPython<T>>[0]): T | null => {
    const found = jsonAt(files, places, file)
    return found === null ? null : readPython(schema, found, file)
  }
  const planes = ['execution', 'planning', 'learning'].map(statusFile)
  return {
    version: snapshot.active_runs_by_plane === undefined && snapshot.pause_sources === undefined ? '0.14' : '0.16',
    snapshot,
    counters: read(AT.counters, PythonCounters) ?? readPython(PythonCounters, {}, AT.counters),
    targets: targetFiles.flatMap((file) => read(file, PythonTarget) ?? []),
    errorContext: errorContextIn(files, places),
    ledger: Buffer.from(files.read(places.at(AT.usageLedger)) ?? '').toString('utf8'),
    replaced: bytesOf(files, places, [AT.snapshot, AT.counters, AT.baseline, ...planes, ...targetFiles]),
    gone: bytesOf(files, places, [AT.plan, AT.diagnostics, ERROR_CONTEXT, GOVERNANCE_STATE, AT.usageLedger]),
  }
}

/** What later versions keep beside the state could not be taken over, and would be lost from sight. */
function refuseLater(files: Files, places: Places): void {
  const refuse = (what: string) => {
    throw new MillraceError('workspace_unsupported', what, { hint: ONLY_THESE })
  }
  if (files.stat(places.at(EPOCH)) !== null)
    refuse(`millrace-agents/${EPOCH} says that the workspace was written by the Python runtime 0.20 or later.`)
  if (files.stat(places.at(BLUEPRINTS)) !== null)
    refuse(`millrace-agents/${BLUEPRINTS}/ holds blueprints, which there are since the Python runtime 0.20.`)
}

function jsonAt(files: Files, places: Places, file: string): unknown {
  const found = look(files, places.at(file))
  if (found === null) return null
  try {
    if (found === 'other') throw new SyntaxError('it is no plain file')
    const value: unknown = parseJson(utf8.decode(found.bytes))
    if (typeof value === 'object' && value !== null) return value
    throw new SyntaxError('it holds no object')
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
    throw new MillraceError('state_corrupt', `millrace-agents/${file} is not valid JSON: ${error.message}.`, {
      hint: 'restore the file from a backup, or move it away',
    })
  }
}

/** Left over more often than not, and only a help: one that cannot be read counts as none. */
function errorContextIn(files: Files, places: Places): PythonErrorContext | null {
  try {
    return PythonErrorContext.safeParse(jsonAt(files, places, ERROR_CONTEXT)).data ?? null
  } catch {
    return null
  }
}

function bytesOf(files: Files, places: Places, wanted: readonly string[]): Map<string, Uint8Array> {
  return new Map(
    wanted.flatMap((file): [string, Uint8Array][] => {
      const found = look(files, places.at(file))
      return found === null || found === 'other' ? [] : [[file, found.bytes]]
    }),
  )
}
