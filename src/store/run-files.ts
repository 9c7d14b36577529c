/** What a run folder holds, and whether all of it is the run's own: only such a folder may be taken away. */
import * as path from 'node:path'
import { type Files, textOrNull } from './files.ts'

/** Names that the runtime and its runners give, of this version and of those before it (spec 01 §1.5). */
const FOLDERS = ['stage_requests', 'stage_results', 'outbox', 'history', 'context']
const FILES = [
  'transition_history.jsonl',
  'resolved_snapshot.json',
  'run_trace.json',
  'runtime_error_report.md',
  'troubleshoot_report.md',
  'recon_packet.md',
  'generated_task.md',
  'generated_spec.md',
]
const ID = '[A-Za-z0-9][A-Za-z0-9._-]*'
const OF_A_REQUEST = new RegExp(
  `^(runner_[a-z_]+|working_tree|skill_revision_evidence|capability_gate|awaiting_approval)\\.${ID}$`,
)
const TEMPORARY = /^\..+\.(tmp|tmp-millrace)$/
const KEPT_FOR_A_PERSON = /\.conflict-\d+(\.\d+)?(\.findings\.json)?$/
const RECORD = new RegExp(`^${ID}\\.json$`)

const isOurs = (name: string): boolean =>
  !KEPT_FOR_A_PERSON.test(name) &&
  (FOLDERS.includes(name) || FILES.includes(name) || OF_A_REQUEST.test(name) || TEMPORARY.test(name))

/**
 * Names in a run folder that nobody but a person, or an agent of its own accord, can have given: neither the runtime's,
 * nor those of artifacts that the requests or results of the run name. `names`: what the folder holds.
 */
export function foreignNames(files: Files, folder: string, names: readonly string[]): string[] {
  const records = ['stage_requests', 'stage_results'].flatMap((name) =>
    (files.list(path.join(folder, name)) ?? []).map((file) => `${name}/${file}`),
  )
  const odd = records.filter((file) => !isRecord(path.basename(file)))
  const unknown = names.filter((name) => !isOurs(name))
  if (unknown.length === 0) return odd
  const told = records
    .filter((file) => !odd.includes(file))
    .map((file) => textOrNull(files, path.join(folder, file)) ?? '')
  const isNamed = (name: string) => {
    const quoted = JSON.stringify(name)
    return told.some((text) => text.includes(quoted) || text.includes(`/${quoted.slice(1)}`))
  }
  return [...unknown.filter((name) => KEPT_FOR_A_PERSON.test(name) || !isNamed(name)), ...odd]
}

const isRecord = (name: string): boolean => (RECORD.test(name) && !KEPT_FOR_A_PERSON.test(name)) || TEMPORARY.test(name)
