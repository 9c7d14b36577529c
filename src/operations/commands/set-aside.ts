/** The command that puts away an incident nobody can read, which intake had set aside. */
import { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { isSafeId } from '../../core/ids.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import type { View } from '../../core/view.ts'
import { itemFolder, SET_ASIDE, stampOf } from '../../store/layout.ts'
import { named, reasonOf, record } from './interventions.ts'
import { done, only, text } from './payload.ts'

const FOLDER = itemFolder('incident', 'queued')

export const archiveInvalidIncident: ChangeOperation = (context, payload) => {
  only(payload, 'filename', 'reason')
  const { view, hex } = context
  const name = text(payload, 'filename')
  // An id is a file name of one folder; so is every name intake gives.
  if (!isSafeId(name))
    throw new MillraceError('id_invalid', `${JSON.stringify(name.slice(0, 80))} is no name of a file in ${FOLDER}.`, {
      hint: 'give the name alone, without a folder',
    })
  const reason = reasonOf(payload)
  const hash = view.hashOf(named(`${FOLDER}/${name}`))
  if (hash === null)
    throw new MillraceError('item_unknown', `There is no file ${name} in ${named(FOLDER)}.`, {
      hint: 'list what cannot be read with `millrace incidents`',
    })
  if (!SET_ASIDE.test(name) && !isListed(view, name))
    throw new MillraceError('item_state', `${name} has not been set aside as unreadable.`, {
      hint: 'only files that end in .invalid, or that invalid-artifacts.jsonl lists, are archived so',
    })
  const from = `${FOLDER}/${name}`
  const to = `${FOLDER}/invalid-archived/${name}.${stampOf(view.now)}.${hex(8)}`
  const draft = new Draft(view)
  draft.add({ change: 'file.move', from, to, hash })
  const findings = view.hashOf(named(`${from}.findings.json`))
  if (findings !== null)
    draft.add({ change: 'file.move', from: `${from}.findings.json`, to: `${to}.findings.json`, hash: findings })
  record(context, draft, {
    action: 'archive_invalid_incident',
    event: 'invalid_incident_artifact_archived',
    reason,
    work_item_kind: 'incident',
    work_item_id: name,
    source_state: 'invalid',
    destination_state: 'archived',
    source_path: from,
    destination_path: to,
    before: { state: 'invalid' },
    after: { state: 'archived' },
  })
  return done(draft, `archived ${name}`, {
    work_item_kind: 'incident',
    work_item_id: name,
    artifact_path: named(to),
  })
}

/** Whether the log of unreadable documents names it; lines nobody can read name nothing. */
function isListed(view: View, name: string): boolean {
  const log = view.readFile(named(`${FOLDER}/invalid-artifacts.jsonl`)) ?? ''
  return log.split('\n').some((line) => {
    try {
      return (JSON.parse(line) as { quarantine_name?: unknown } | null)?.quarantine_name === name
    } catch {
      return false
    }
  })
}
