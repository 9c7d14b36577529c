/**
 * One canonical spelling for each wish; its aliases are the same command with the same output; what is easily taken for it
 * is another one, and help says so.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spellingsOf } from '../../../src/cli/spellings.ts'
import { OPERATIONS } from '../../../src/operations/table.ts'
import { type Ended, startMillrace, wordsOf } from '../../rig/program.ts'
import { normaliser } from './normal.ts'
import { makeScene, type Scene, type Stage } from './scene.ts'
import { ALL_VERBS } from './verbs.ts'

interface Row {
  wish: string
  canonical: string
  /** Other words for the same command, and the options they stand for. */
  same?: readonly { words: string; adds?: string }[]
  /** Other commands. */
  differ?: readonly string[]
  /** Arguments with which the spellings are compared; {name} stands for what the scene knows. None: by their help only. */
  tried?: string
}

const listed = (one: string): { words: string }[] => [{ words: one }, { words: `${one} list` }, { words: `${one} ls` }]

const ROWS: readonly Row[] = [
  { wish: 'one stage', canonical: 'run once', differ: ['run daemon', 'start --once'] },
  {
    wish: 'foreground daemon',
    canonical: 'run daemon',
    same: [{ words: 'start --daemon' }],
    differ: ['daemon start'],
    tried: '--max-ticks 1',
  },
  {
    wish: 'end it',
    canonical: 'control stop',
    same: [{ words: 'stop' }],
    differ: ['daemon stop', 'control pause', 'control cancel'],
    tried: '',
  },
  { wish: 'process facts', canonical: 'daemon status', differ: ['status'] },
  { wish: 'what the process says', canonical: 'daemon logs', differ: ['logs', 'runs follow'] },
  { wish: 'list runs', canonical: 'runs ls', same: listed('runs'), tried: '' },
  { wish: 'list modes', canonical: 'modes ls', same: listed('modes'), tried: '' },
  { wish: 'list closure targets', canonical: 'closure ls', same: listed('closure'), tried: '' },
  { wish: 'list loops', canonical: 'loops ls', same: listed('loops'), tried: '' },
  { wish: 'list stages', canonical: 'stages ls', same: listed('stages'), tried: '' },
  { wish: 'list kept trees', canonical: 'rescue ls', same: listed('rescue'), tried: '' },
  {
    wish: 'queue in full',
    canonical: 'queue ls',
    same: [...listed('queue'), { words: 'queue inspect', adds: '--all' }],
    differ: ['queue show'],
    tried: '',
  },
  {
    wish: 'incidents',
    canonical: 'incidents ls',
    same: [...listed('incidents'), ...listed('incident')],
    tried: '',
  },
  ...['resolve', 'cancel', 'archive-invalid'].map((verb) => ({
    wish: `incidents: ${verb}`,
    canonical: `incidents ${verb}`,
    same: [{ words: `incident ${verb}` }],
    tried: 'I-1 --reason "seen to"',
  })),
  { wish: 'history of a run', canonical: 'runs show', differ: ['why'] },
  { wish: 'path of a run', canonical: 'runs trace', differ: ['why'] },
  {
    wish: 'provenance of a run',
    canonical: 'runs provenance',
    same: [{ words: 'run-provenance' }],
    tried: '{done_run}',
  },
  { wish: 'last report', canonical: 'runs tail', differ: ['runs follow'] },
  {
    wish: 'back into the queue',
    canonical: 'queue retry',
    same: [{ words: 'queue retry-blocked' }, { words: 'queue requeue' }],
    differ: ['control retry-active', 'planning retry-active'],
    tried: 'T-blocked',
  },
  {
    wish: 'stop one agent',
    canonical: 'control cancel',
    same: [{ words: 'cancel' }],
    differ: ['queue cancel'],
    tried: '{active_run}',
  },
  { wish: 'leave the queue', canonical: 'queue cancel', same: [{ words: 'queue cleanup remove' }], tried: 'T-waits' },
  {
    wish: 'add work',
    canonical: 'queue add-task',
    same: [{ words: 'add-task' }],
    differ: ['queue new'],
    tried: '"A title" --id T-new',
  },
  {
    wish: 'machine form of the status',
    canonical: 'status --json',
    same: [{ words: 'status --format json' }],
    tried: '',
  },
  {
    wish: 'machine form of a path',
    canonical: 'runs trace --json',
    same: [{ words: 'runs trace --format json' }],
    tried: '{done_run}',
  },
]

const spellings = spellingsOf(OPERATIONS.map((entry) => entry.name))
const verbWords = (words: string): string => words.replace(/ --.*$/, '')
const canonicalOf = (words: string): string | undefined =>
  (spellings.get(words) ?? spellings.get(verbWords(words)))?.canonical

let scene: Scene
beforeAll(async () => {
  scene = await makeScene()
}, 600_000)
afterAll(() => scene.dispose(), 600_000)

/** What a command line does to a fresh copy of the scene. */
async function tried(words: string, args: string, on: Stage = 'worked'): Promise<Ended> {
  const { cwd, known } = scene.copy(on)
  const filled = args.replace(/\{(\w+)\}/g, (_, name: keyof typeof known) => known[name])
  const ended = await startMillrace(wordsOf(`${words} ${filled}`), { cwd }).ended
  const normal = normaliser(cwd)
  const told = (text: string): string => String(normal(text)).replace(/_at": "[^"]*"/g, '_at": "…"')
  return { status: ended.status, stdout: told(ended.stdout), stderr: told(ended.stderr) }
}

/** The same question is asked once. */
function once(ask: (...words: [string, string]) => Promise<Ended>): (...words: [string, string]) => Promise<Ended> {
  const asked = new Map<string, Promise<Ended>>()
  return (...words) => {
    const known = asked.get(words.join('\n')) ?? ask(...words)
    asked.set(words.join('\n'), known)
    return known
  }
}

const triedOnce = once((words, args) => tried(words, args))
const helpOnce = once((words) => tried(words, '--help', 'empty'))
const helpOf = async (words: string): Promise<string> => (await helpOnce(words, '')).stdout

describe.each(ROWS.map((row) => [row.wish, row] as const))('for %s', (_, row) => {
  const { canonical, same = [], differ = [], tried: args } = row

  it(`\`millrace ${canonical}\` is the canonical spelling`, () => {
    expect(canonicalOf(canonical)).toBe(verbWords(canonical))
  })

  it.each(same.map((one) => [one.words, one.adds ?? '']))(
    '`millrace %s` is the same command',
    { timeout: 60_000 },
    async (words, adds) => {
      expect(canonicalOf(words)).toBe(canonicalOf(canonical))
      // That their help is the same too is seen in help.test.ts, of every spelling there is.
      if (words !== canonical && args !== undefined)
        expect(await tried(words, args)).toEqual(await triedOnce(`${canonical} ${adds}`.trimEnd(), args))
    },
  )

  it.each(differ.map((words) => [words]))(
    '`millrace %s` is another command, and help says so',
    { timeout: 60_000 },
    async (words) => {
      expect(canonicalOf(words)).not.toBe(canonicalOf(canonical))
      const help = await helpOf(canonical)
      expect(help).not.toBe(await helpOf(words))
      expect(help.split('\nNot the same:\n')[1] ?? '').toMatch(new RegExp(`^  millrace ${words}( |$)`, 'm'))
    },
  )
})

describe('the table', () => {
  it('names only commands that there are', () => {
    const named = ROWS.flatMap(({ canonical, same = [], differ = [] }) => [
      canonical,
      ...same.map(({ words }) => words),
      ...differ,
    ])
    expect(named.filter((words) => canonicalOf(words) === undefined)).toEqual([])
  })

  it('lists every verb that lists anything, with its three spellings', () => {
    for (const verb of ALL_VERBS.filter((name) => / (ls|list)$/.test(name))) {
      const group = verb.replace(/ (ls|list)$/, '')
      expect([group, `${group} ls`, `${group} list`].map(canonicalOf), verb).toEqual([verb, verb, verb])
    }
  })

  it('nothing else parses: a sentence after `run` is answered with what takes sentences', async () => {
    const { status, stderr } = await tried('run', '"fix the login"')
    expect(status).toBe(2)
    expect(stderr).toContain('millrace add-task "fix the login"')
    expect(stderr).toContain('millracer run "fix the login"')
  })

  it('all three commands print their name and one version', async () => {
    const { cwd } = scene.copy('empty')
    const versions = await Promise.all(
      (['millrace', 'millracer', 'millstone'] as const).map(async (program) => {
        const { stdout } = await startMillrace(['--version'], { cwd, program }).ended
        return stdout.trim().split(' ')
      }),
    )
    expect(versions.map(([name]) => name)).toEqual(['millrace', 'millracer', 'millstone'])
    expect(new Set(versions.map(([, version]) => version)).size).toBe(1)
  })
})
