/** Commands that wait in the mailbox when a runtime begins. */
import type { Files } from '../../core/files.ts'
import { SKILL_FILE } from '../../core/skill.ts'
import { readText } from '../../store/files.ts'
import { AT } from '../../store/layout.ts'
import { taskText } from '../instant-runner.ts'
import { type Story, succeeding } from '../story.ts'
import { at, has, lines } from './ending.ts'
import { BUILT } from './script.ts'

const INVALID = 'odd.md.invalid'

const CRAFT = {
  skill_id: 'craft',
  folder: 'skills/craft',
  files: [
    { path: SKILL_FILE, text: '---\nname: craft\ndescription: How it is done.\n---\n\n# Craft\n' },
    { path: 'picture.bin', base64: '//4=' },
  ],
  replaces: [SKILL_FILE, 'more.md'],
  source: '/elsewhere/craft',
}

export const commands: Story = {
  name: 'commands',
  about: 'control',
  tells:
    'work is added, taken away, retried and reordered, a key of the config set, a skill replaced, the runtime paused and resumed, a command refused',
  async begin({ task, file, command }) {
    task('unwanted')
    task('again', {}, 'blocked')
    file(`millrace-agents/incidents/incoming/${INVALID}`, 'Nothing of it is left.\n')
    file(`millrace-agents/skills/craft/${SKILL_FILE}`, 'What somebody had written.\n')
    file('millrace-agents/skills/craft/more.md', 'And more of it.\n')
    await command('pause')
    await command('cancel_work_item', { work_item_id: 'unwanted' })
    await command('retry_work_item', { work_item_id: 'again' })
    await command('add_task', { text: taskText('added') })
    await command('reorder_queue', { work_item_ids: ['again'], place: 'first' })
    await command('archive_invalid_incident', { filename: INVALID, reason: 'nothing to see' })
    await command('set_config', { key: 'recovery.max_fix_cycles', value: '3' })
    await command('install_skill', CRAFT)
    await command('add_idea', { source_name: 'wish.md', markdown: '# A wish\n\nMake it so.\n' })
    await command('resume')
    await command('no_such_command')
  },
  script: succeeding({ planner: ['BLOCKED', 'BLOCKED', 'BLOCKED'], mechanic: ['BLOCKED', 'BLOCKED', 'BLOCKED'] }),
  ends: {
    'spec idea-wish': 'blocked',
    'task unwanted': 'cancelled',
    'task again': 'done',
    'task added': 'done',
  },
  outcomes: ['BLOCKED', 'BLOCKED', 'BLOCKED', ...BUILT, ...BUILT],
  also: (files) => [
    ...has(lines(files, at('state/interventions.jsonl')), 5, 'interventions'),
    ...has(files.list(at('incidents/incoming/invalid-archived')) ?? [], 1, 'archived documents'),
    ...has((readText(files, at('millrace.toml')) ?? '').match(/max_fix_cycles = 3/g) ?? [], 1, 'settings'),
    ...has((readText(files, at(`skills/craft/${SKILL_FILE}`)) ?? '').match(/^# Craft$/gm) ?? [], 1, 'new skills'),
    ...has(lines(files, at(AT.skillOperations)), 1, 'operations on skills'),
    ...has(keptOf(files), 2, 'kept files of the old skill'),
    ...has(JSON.parse(readText(files, at(AT.order)) ?? '{}').ids_by_kind?.task ?? [], 2, 'tasks in their order'),
    ...has(files.list(at('state/mailbox/failed')) ?? [], 1, 'refused commands'),
  ],
}

export const carriedOutBefore: Story = {
  name: 'carried out before',
  about: 'control',
  tells: 'a command comes back whose archive a crash had kept; it is put away and not carried out again',
  async begin({ task, file, command }) {
    task('a')
    const id = await command('cancel_work_item', { work_item_id: 'a' })
    file(`millrace-agents/state/mailbox/processed/${id}.json`, '{}\n')
    const told = { event_type: 'mailbox_command_applied', data: { command_id: id } }
    const event = { schema_version: '1.0', kind: 'runtime_event', occurred_at: '2026-03-01T10:00:00Z', ...told }
    file('millrace-agents/logs/runtime_events.jsonl', `${JSON.stringify(event)}\n`)
  },
  script: succeeding(),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

/** What was kept of skills that were replaced. */
const keptOf = (files: Files): string[] =>
  (files.list(at('skills/.replaced')) ?? []).flatMap((name) => files.list(at(`skills/.replaced/${name}`)) ?? [])
