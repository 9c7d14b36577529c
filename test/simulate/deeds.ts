/** What an agent does before it ends: artifacts, documents handed in, its own document rewritten, and what it should not. */
import * as path from 'node:path'
import type { StageRequest } from '../../src/core/request.ts'
import { verdict } from '../../src/selftest/instant-runner.ts'
import { documentText } from '../rig/documents.ts'
import type { Temper } from './actions.ts'
import { type Agent, outcomeOf } from './agents.ts'
import type { World } from './world.ts'

export function leave(world: World, agent: Agent): void {
  const { request, temper } = agent
  const outcome = outcomeOf(request, temper.outcome)
  const write = (file: string, text: string) => {
    world.disk.makeFolder(path.dirname(file))
    world.disk.write(file, text)
  }
  leaveArtifacts(request, temper, outcome, write)
  handIn(world, request, temper, outcome, write)
  rewrite(world, agent)
  meddle(world, agent)
  if (temper.says === 'result file')
    write(request.terminal_result_path, `${JSON.stringify({ terminal_result: outcome })}\n`)
  if (temper.says === 'broken result file') write(request.terminal_result_path, '{"terminal_result": ')
}

type Write = (file: string, text: string) => void

function leaveArtifacts(request: StageRequest, { owes }: Temper, outcome: string, write: Write): void {
  if (owes === 'none') return
  const all = request.owed_artifacts_by_outcome[outcome] ?? []
  const isSuccess = request.allowed_result_classes_by_outcome[outcome]?.[0] === 'success'
  for (const artifact of owes === 'one' ? all.slice(0, 1) : all) {
    if (owes === 'garbage') write(artifact.path, '\0{"a":')
    else if (artifact.format === 'verdict') write(artifact.path, `${JSON.stringify(verdict(request, isSuccess))}\n`)
    else write(artifact.path, artifact.format === 'json' ? '{}' : `${artifact.name}\n`)
  }
}

const MANY = 230

function handIn(world: World, request: StageRequest, { handsIn }: Temper, outcome: string, write: Write): void {
  const start = `${request.active_work_item_id ?? 'closure'}-${world.clock.hex(4)}`
  const put = (kind: 'task' | 'spec' | 'incident', id: string, fields = {}) =>
    write(path.join(request.outbox_dir, kind, `${id}.md`), documentText(kind, id, fields))
  for (const rule of request.hand_ins) {
    const kind = rule.kind as 'task' | 'spec' | 'incident'
    const isAsked = rule.outcomes.includes(outcome) && rule.at_least > 0
    if (handsIn === 'what is asked' && isAsked) put(kind, start)
    if (handsIn === 'malformed') write(path.join(request.outbox_dir, kind, `${start}.md`), '# No document\n')
    if (handsIn === 'twice') for (const id of [start, start.toUpperCase()]) put(kind, id)
    if (handsIn === 'taken id') put(kind, request.active_work_item_id ?? 'item-0')
    if (handsIn === 'cyclic' && kind === 'task') {
      put(kind, `${start}-a`, { depends_on: [`${start}-b`] })
      put(kind, `${start}-b`, { depends_on: [`${start}-a`] })
    }
    if (handsIn === 'many' && isAsked)
      for (let number = 0; number < MANY; number++)
        write(path.join(request.outbox_dir, kind, `${start}-${number}.md`), 'many')
  }
  if (handsIn === 'of another kind') put('incident', `${start}-other`)
}

/** Its active document is its own to rewrite, as long as it stays what it is. */
function rewrite(world: World, agent: Agent): void {
  const { request, temper } = agent
  const file = request.active_work_item_path
  if (temper.edits === 'none' || file === null) return
  const bytes = world.disk.read(file)
  if (bytes === null) return
  const key = `${request.active_work_item_kind} ${request.active_work_item_id}`
  if (temper.edits === 'add') {
    const mark = world.texts.mark(`what ${request.request_id} added to ${key}`, false)
    agent.marks.push(mark.number)
    world.items.whenPowerGoes(key)
    world.disk.write(file, `${Buffer.from(bytes).toString('utf8')}\n${mark.begin} Found on the way. ${mark.end}\n`)
    return
  }
  world.items.touch(key)
  if (temper.edits === 'move') world.texts.loosen(bytes)
  else world.texts.replace(bytes)
  if (temper.edits === 'spoil') world.disk.write(file, 'Nothing of it is left.\n')
  if (temper.edits === 'another id')
    world.disk.write(
      file,
      Buffer.from(bytes).toString('utf8').replaceAll(request.active_work_item_id!, 'somebody-else'),
    )
  if (temper.edits === 'delete') world.disk.unlink(file)
  const elsewhere = path.join(path.dirname(file), '..', 'blocked', path.basename(file))
  if (temper.edits === 'move' && world.disk.stat(elsewhere) === null) world.disk.rename(file, elsewhere)
}

function meddle(world: World, { request, temper }: Agent): void {
  switch (temper.meddles) {
    case 'snapshot':
      world.spoil(request.runtime_snapshot_path)
      return
    case 'counters':
      world.spoil(request.recovery_counters_path)
      return
    case 'status':
      world.disk.write(request.summary_status_path, '### DONE\n')
      return
    case 'log':
      world.people.log('note')
      return
    case 'command':
      return void world.people.command('pause', 0)
    case 'request':
      world.disk.write(path.join(request.run_dir, `stage_requests/${request.request_id}.json`), '{}')
      return
    default:
  }
}
