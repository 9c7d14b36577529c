/** `queue new`: asks a person for a task or a spec, shows the document, and queues it if they agree. */
import type { WorkDocument } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ItemEntry } from '../../core/item.ts'
import type { Operation } from '../../core/operation.ts'
import { isInitialised } from '../../store/layout.ts'
import type { Ask } from '../ask.ts'
import { type Context, placesIn } from '../context.ts'
import { reading } from '../reading.ts'
import { ensureWorkspace } from '../workspace/ensure.ts'
import { type Added, add, projectFile, SEED_DIGITS } from './add.ts'
import { specFromAnswers } from './spec-from-answers.ts'
import { detectedCheck, taskFromTitle } from './task-from-title.ts'

interface Written {
  document: WorkDocument
  text: string
}

export const queueNew: Operation<Context, Record<string, never>, Added> = {
  name: 'queue new',
  flavour: 'change',
  summary: 'Be asked for a task or a spec, question by question.',
  description:
    'Asks on a terminal for what a task or a spec has to say, shows the document that makes, and queues it once you agree. Ctrl-C at any question leaves everything as it was. Without a terminal: `millrace add-task`.',
  input: [],
  examples: [{ command: 'millrace queue new', does: 'be asked' }],
  output: async () => (await import('../schemas.ts')).addedSchema(),
  async run(context) {
    const ask = await context.ask()
    if (ask === null) {
      throw new MillraceError(
        'usage',
        '`millrace queue new` asks questions, and there is no terminal to ask them on.',
        {
          hint: 'say it all at once: millrace add-task "Add a login page" --accept "Logging in works"',
        },
      )
    }
    const kind = await ask.one('What is it?', [
      { value: 'task', label: 'A task', hint: 'one piece of work, carried out as it stands' },
      { value: 'spec', label: 'A spec', hint: 'a wish with goals, planned into tasks' },
    ])
    const { document, text } = kind === 'spec' ? await askSpec(context, ask) : await askTask(context, ask)
    ask.show(document.id, text)
    if (!(await ask.agree('Queue it?'))) {
      throw new MillraceError('declined', 'Nothing was queued.')
    }
    await ensureWorkspace(context)
    return add(context, kind === 'spec' ? 'spec' : 'task', document, { text }, [])
  },
}

const seedOf = ({ clock }: Context, now: string): string => `${now} ${clock.hex(SEED_DIGITS)}`

async function askTask(context: Context, ask: Ask): Promise<Written> {
  const check = detectedCheck(projectFile(context))
  const title = await ask.line('What is to be done, in a line?', { required: 'A task needs a title.' })
  const summary = await ask.line('In a sentence or two? (may be empty)')
  const accept = await ask.lines('What must hold for it to be done?')
  const target_path = await ask.lines('Which files or folders is it about?', { suggested: '.' })
  const checks = await ask.lines('Which commands must pass?', { suggested: check })
  const queued = openTasks(context)
  const depends_on =
    queued.length === 0 ? [] : await ask.several('Which must be done first? (space chooses)', queued.map(optionOf))
  const risk = await ask.line('What could go wrong? (may be empty)')
  const now = context.clock.now().toISOString()
  const wish = {
    title,
    summary,
    accept,
    target_path,
    check: checks,
    depends_on,
    ...(risk === '' ? {} : { risk: [risk] }),
  }
  return taskFromTitle(wish, now, check, seedOf(context, now))
}

const optionOf = ({ id, title, state }: ItemEntry) => ({ value: id, label: title, hint: `${id}, ${state}` })

/** Tasks that one may wait for, in the order they are claimed; none where there is no workspace yet. */
function openTasks(context: Context): ItemEntry[] {
  if (!isInitialised(context.files, placesIn(context))) return []
  return reading(context, ({ items }) =>
    (['active', 'queued', 'blocked'] as const).flatMap((state) => [...items.inState('task', state)]),
  )
}

async function askSpec(context: Context, ask: Ask): Promise<Written> {
  const answers = {
    title: await ask.line('What is wanted, in a line?', { required: 'A spec needs a title.' }),
    summary: await ask.line('In a sentence or two?', { required: 'A spec needs a summary.' }),
    goals: await ask.lines('What must be true at the end?', { required: 'A spec needs a goal.' }),
    constraints: await ask.lines('What must be respected?'),
    acceptance: await ask.lines('By what is the whole judged?', {
      required: 'A spec needs something to be judged by.',
    }),
    target_paths: await ask.lines('Which files or folders is it about?'),
  }
  const now = context.clock.now().toISOString()
  return specFromAnswers(answers, now, seedOf(context, now))
}
