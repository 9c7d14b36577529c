import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { eventually, run, start, succeeded } from './parts/commands.mjs'
import { blocksOf, verbsIn } from './parts/document-commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** At these a run of T-12 gives up, as the manual has it. */
const GIVING_UP = ['builder', 'troubleshooter', 'consultant']

export const row = {
  id: 'M001-03',
  says: 'An agent can operate it by the manual that comes with it: every command in it works.',

  async run() {
    const manual = path.join(process.env.ROWS_PACKAGE, 'docs/skills/millrace-ops-agent-manual/SKILL.md')
    const text = readFileSync(manual, 'utf8')
    const [, frontMatter] = /^---\n([\s\S]*?)\n---\n/.exec(text)
    assert.match(frontMatter, /^name: millrace-ops-agent-manual$/m)
    const blocks = blocksOf(manual)
    const commands = blocks.flatMap((block) => block.commands)
    assert.ok(commands.length > 15, 'it has hardly any command')
    assert.ok(blocks.some(({ words }) => words === 'worked'))

    // A reader's project, in which agents do at once what they owe.
    const fresh = await newWorkspace({ name: 'my-project' })
    await played(
      blocks.filter(({ words }) => words === ''),
      path.dirname(fresh.root),
      {},
    )
    await eventually(
      'the task of the manual is done',
      () => fresh.has('tasks/done/T-1.md') || fresh.has('tasks/active/T-1.md'),
    )

    // One in which a task has come to its limits.
    const replies = GIVING_UP.map((stage) => ({ stage, item: 'T-12', outcome: 'BLOCKED' }))
    const worked = await newWorkspace({ name: 'worked', replies })
    await worked.add('task', 'T-12')
    await worked.drain()
    assert.ok(worked.has('tasks/blocked/T-12.md'))
    const [RUN] = await worked.runIds()
    await played(
      blocks.filter(({ words }) => words === 'worked'),
      worked.root,
      { RUN },
    )
    assert.ok(worked.has('tasks/queue/T-12.md'), 'the blocked task is not back in its queue')

    // What it names in passing is there too.
    const verbs = verbsIn(text)
    assert.ok(verbs.length > 10)
    for (const verb of verbs) {
      const help = succeeded(await run('millrace', [...verb.split(' '), '--help']), `millrace ${verb} --help`)
      assert.match(help.stdout, new RegExp(`^Usage: millrace ${verb.split(' ')[0]}`, 'm'), verb)
    }
  },
}

/** Carries commands out in order, each from the folder in which the one before it ended. */
async function played(blocks, folder, names) {
  let cwd = folder
  for (const { text, status, isEndless } of blocks.flatMap((block) => block.commands)) {
    const line = Object.entries(names).reduce((all, [name, value]) => all.replaceAll(` ${name}`, ` ${value}`), text)
    const [, to] = /^cd (\S+)$/.exec(line) ?? []
    if (to !== undefined) {
      cwd = path.resolve(cwd, to)
      continue
    }
    const end = isEndless ? await interrupted(line, cwd) : await run('bash', ['-c', line], { cwd })
    assert.equal(end.code, status, `\`${line}\` ended with ${end.code}: ${end.stdout}${end.stderr}`)
    if (/ --json\b/.test(line) && !isEndless) assert.equal(typeof end.json, 'object', line)
    else assert.notEqual(`${end.stdout}${end.stderr}`, '', `\`${line}\` says nothing`)
  }
}

/** Lets a command go on until it has said something, and interrupts it. */
async function interrupted(line, cwd) {
  const following = start('bash', ['-c', `exec ${line}`], { cwd })
  await eventually(`\`${line}\` says something`, () => following.stdout() !== '')
  following.kill('SIGINT')
  return following.ended
}
