import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { countingFiles } from '../../test/rig/counting-files.ts'
import { namedBy, type Sight } from '../operations/field-values.ts'
import { OPERATIONS } from '../operations/table.ts'
import { disk } from '../store/files.ts'
import { placesOf } from '../store/layout.ts'
import { complete, told } from './complete.ts'
import { spellingsOf } from './spellings.ts'

const PACKAGE_ROOT = path.resolve(import.meta.dirname, '../../assets')
const opened: string[] = []
afterEach(() => {
  for (const folder of opened.splice(0)) fs.rmSync(folder, { recursive: true, force: true })
})

/** A workspace that is nothing but names of files: nothing in it can be read as what it should be. */
function names(files: Record<string, string> = {}): Sight & { root: string } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-complete-'))
  opened.push(root)
  const places = placesOf(root)
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(places.at(name)), { recursive: true })
    fs.writeFileSync(places.at(name), text)
  }
  return { root, files: disk, places, packageRoot: PACKAGE_ROOT, runnerNames: ['scripted'] }
}

/** What the last of these words, which a space parts, can become. */
async function values(line: string, sight: Sight = names()): Promise<string[]> {
  return (await complete(line.split(' '), () => sight)).candidates.map(({ value }) => value)
}

const ITEMS = {
  'tasks/queue/T-1.md': '',
  'tasks/blocked/T-2.md': '',
  'tasks/done/T-3.md': '',
  'specs/blocked/S-4.md': '',
  'tasks/queue/T-5.md.invalid': '',
  'specs/queue/S-7.md': '',
  'tasks/quarantine/T-8.md': '',
  'tasks/queue/cancelled/T-6.20260101T000000Z.00000000.queued.md': '',
}

describe('completing words', () => {
  it('gives every first word of every spelling', async () => {
    const firsts = [...spellingsOf(OPERATIONS.map(({ name }) => name)).keys()].map((words) => words.split(' ')[0]!)
    expect((await values('')).sort()).toEqual([...new Set(firsts)].sort())
  })

  it('gives for every verb its last word, and for its options every one that it has', async () => {
    for (const { name, load } of OPERATIONS) {
      const words = name.split(' ')
      expect(await values([...words.slice(0, -1), words.at(-1)!.slice(0, 1)].join(' ')), name).toContain(words.at(-1))
      const flags = (await load()).input
        .filter((field) => field.positional !== true)
        .map((field) => `--${field.name.replaceAll('_', '-')}`)
      expect(await values(`${name} --`), name).toEqual(expect.arrayContaining(flags))
    }
  })

  it('goes on after options of every command, and completes what help and schema are asked about', async () => {
    expect(await values('--workspace elsewhere --json queue sh')).toEqual(['show'])
    expect(await values('help queue sh')).toEqual(['show'])
    expect(await values('schema queue sh')).toEqual(['show'])
  })

  it('offers an option that was given only where it may be repeated', async () => {
    expect(await values('pause --reason x --rea')).toEqual([])
    expect(await values('add-task x --accept y --acc')).toEqual(['--accept'])
    expect(await values('pause -- --rea')).toEqual([])
  })

  it('gives nothing for words that mean nothing', async () => {
    for (const line of ['nonsense ', 'queue nonsense ', 'version ', 'queue show T-1 '])
      expect(await values(line)).toEqual([])
  })
})

describe('completing values', () => {
  it('gives choices behind an option, as a word of their own or behind its sign', async () => {
    expect(await values('queue ls --state q')).toEqual(['queued', 'quarantined'])
    expect(await values('queue ls --state=q')).toEqual(['--state=queued', '--state=quarantined'])
    expect(await values('queue ls --state = q')).toEqual(['queued', 'quarantined'])
    expect(await values('queue ls --state =')).toContain('active')
    expect(await values('status --format ')).toEqual(['text', 'json'])
    expect(await values('completion ')).toEqual(['bash', 'zsh', 'fish', 'powershell'])
  })

  it('gives ids of items in the states in which the verb takes them', async () => {
    const sight = names(ITEMS)
    expect(await values('queue show ', sight)).toEqual(['T-1', 'S-7', 'T-2', 'S-4', 'T-8', 'T-3'])
    expect(await values('queue retry ', sight)).toEqual(['T-2', 'S-4', 'T-8'])
    expect(await values('queue requeue S', sight)).toEqual(['S-4'])
    expect(await values('queue cancel --reason x ', sight)).toEqual(['T-1', 'S-7', 'T-2', 'S-4'])
    expect(await values('queue cleanup quarantine ', sight)).toEqual(['T-1', 'S-7', 'T-2', 'S-4'])
    expect(await values('queue release ', sight)).toEqual(['T-8'])
    expect(await values('queue reorder T-1 ', sight)).toEqual(['T-1', 'S-7'])
  })

  it('gives ids of tasks where only a task is taken, and of incidents where only those are', async () => {
    const sight = names({ ...ITEMS, 'incidents/incoming/I-1.md': '', 'incidents/resolved/I-2.md': '' })
    expect(await values('queue archive-blocked ', sight)).toEqual(['T-2'])
    expect(await values('queue supersede ', sight)).toEqual(['T-1', 'T-2'])
    expect(await values('queue supersede T-2 --replacement ', sight)).toEqual(['T-1', 'T-3'])
    expect(await values('queue retarget-dependency ', sight)).toEqual(['T-1'])
    for (const verb of ['resolve', 'cancel']) expect(await values(`incidents ${verb} `, sight)).toEqual(['I-1'])
  })

  it('gives documents that were set aside, targets of closure, plans, and types of events', async () => {
    const sight = names({
      'incidents/incoming/I-1.md.invalid': '',
      'incidents/incoming/I-2.md.invalid.2': '',
      'incidents/incoming/I-3.md': '',
      'arbiter/targets/S-1.json': '',
      'state/plans/plan-a/x': '',
    })
    expect(await values('incidents archive-invalid ', sight)).toEqual(['I-1.md.invalid', 'I-2.md.invalid.2'])
    expect(await values('closure show ', sight)).toEqual(['S-1'])
    expect(await values('compile diff plan-a ', sight)).toEqual(['plan-a'])
    expect(await values('logs --type stage_st', sight)).toEqual(['stage_started'])
    const rule = names({
      'millrace.toml': '[notify.rules.oncall]\ncommand = ["tell"]\n',
      'state/deliveries/failed/blocked-0123456789abcdef.json': '{}',
    })
    expect(await values('notify test --rule ', rule)).toEqual(['oncall'])
    expect(await values('notify retry ', rule)).toEqual(['blocked-0123456789abcdef'])
    expect(await values('notify test --rule ', names({ 'millrace.toml': 'nonsense' }))).toEqual([])
    expect(await values('usage --by st', sight)).toEqual(['stage'])
  })

  it('gives whatever `why` can be asked about: planes, items and runs', async () => {
    const sight = names({ 'tasks/queue/T-1.md': '', 'runs/run-a/x': '' })
    expect(await values('why ', sight)).toEqual(['execution', 'planning', 'T-1', 'run-a'])
  })

  it('gives ids of runs, and only active ones to end', async () => {
    const snapshot = JSON.stringify({ active_runs: [{ run_id: 'run-b', work_item_id: 'T-1' }] })
    const sight = names({ 'runs/run-a/x': '', 'runs/run-b/x': '', 'state/runtime_snapshot.json': snapshot })
    expect(await values('runs show ', sight)).toEqual(['run-a', 'run-b'])
    expect(await values('cancel ', sight)).toEqual(['run-b'])
  })

  it('gives modes and lanes of package and workspace, topics, and keys of the config', async () => {
    const sight = names({ 'modes/mine.json': '' })
    expect(await values('modes show ', sight)).toEqual(expect.arrayContaining(['default_codex', 'mine']))
    expect(await values('modes show ', sight)).not.toContain('aliases')
    expect(await values('compile graph --plane ', sight)).toEqual(['execution', 'planning'])
    expect(await values('docs arch', sight)).toEqual(['architecture'])
    expect(await values('status --set runtime.idle', sight)).toEqual(['runtime.idle_sleep_seconds='])
  })

  it('leaves files and folders to the shell', async () => {
    expect((await complete(['add-task', ''], () => names())).besides).toBe('files')
    expect((await complete(['status', '--workspace', ''], () => names())).besides).toBe('folders')
    expect((await complete(['queue', 'show', ''], () => names())).besides).toBe('none')
  })

  it('looks in the workspace that the line names', async () => {
    const asked: unknown[] = []
    const look = (named: unknown) => {
      asked.push(named)
      return names(ITEMS)
    }
    await complete(['--workspace', 'w', 'queue', 'show', ''], look)
    await complete(['queue', 'show', '--config=c', ''], look)
    expect(asked).toEqual([
      { workspace: 'w', config: undefined },
      { workspace: undefined, config: 'c' },
    ])
  })

  it('reads no document, however many there are', async () => {
    const sight = names(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`tasks/queue/T-${n}.md`, ''])))
    const counted = countingFiles()
    expect(await values('queue show ', { ...sight, files: counted.files })).toHaveLength(1000)
    expect(new Set(counted.take().map((call) => call.operation))).toEqual(new Set(['list']))
  })

  it('knows of every field that takes a text what it names, or that it is in words of one’s own', async () => {
    const OWN_WORDS = ['reason', 'title', 'id', 'summary', 'accept', 'target_path', 'check', 'reference', 'risk', 'tag']
    const MORE_WORDS = [
      'older_than',
      'max_size',
      'name',
      'search',
      'words',
      'value',
      'since',
      'until',
      'expires',
      'body',
      'root_idea_id',
    ]
    const unknown: string[] = []
    for (const { name, load } of OPERATIONS) {
      for (const field of (await load()).input) {
        const takesText = (field.type === 'text' || field.type === 'list') && field.choices === undefined
        if (takesText && namedBy(field) === null && ![...OWN_WORDS, ...MORE_WORDS].includes(field.name))
          unknown.push(`${name}: ${field.name}`)
      }
    }
    expect(
      unknown,
      'say what it names in BY_NAME of operations/field-values.ts, or here that nobody can list it',
    ).toEqual([])
  })
})

it('an answer is a line for each candidate and one for the shell, free of what steers a terminal', () => {
  const candidates = [{ value: 'T-1', description: 'a\ttask\u001b[2J' }]
  expect(told({ candidates, besides: 'none' })).toBe('T-1\tatask[2J\n:none')
  expect(told({ candidates: [], besides: 'files' })).toBe(':files')
})
