/** The adapter of docs/authoring.md: bound by the configuration, certified by the kit, and the very text of the page. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BEHAVIOURS, conformance, conformanceTable, moduleRunner, type Row, type Subject } from '../../src/testing.ts'
import { temporaryFolder } from '../agents/rig.ts'

const ADAPTER = path.join(import.meta.dirname, 'example-adapter.mjs')
const AGENT = path.join(import.meta.dirname, 'example-agent.mjs')
const PAGE = path.join(import.meta.dirname, '../../docs/authoring.md')
const LINES_MAX = 60

const scratch = temporaryFolder()
const rows: Row[] = []
afterAll(() => {
  console.info(conformanceTable(rows))
  fs.rmSync(scratch, { recursive: true, force: true })
})

const SUBJECT: Subject = {
  name: 'example_agent',
  exceptions: { tool_denied: 'it has no sandbox and asks nothing' },
  quota: (resetsAt) => ({
    turn: 'http_error',
    status: 429,
    body: `usage limit reached, resets at ${resetsAt.toISOString()}`,
  }),
  async prepare({ turns, workspace }) {
    const bin = path.join(workspace, 'bin')
    const file = path.join(workspace, 'turns.json')
    fs.mkdirSync(bin, { recursive: true })
    fs.writeFileSync(file, JSON.stringify(turns))
    const script = `#!/bin/sh\nexec "${process.execPath}" "${AGENT}" "$@"\n`
    fs.writeFileSync(path.join(bin, 'example-agent'), script, { mode: 0o755 })
    const environment = { PATH: `${bin}:${process.env.PATH}`, HOME: workspace, EXAMPLE_TURNS: file }
    return { runner: moduleRunner('example_agent', ADAPTER, { workspaceRoot: workspace, environment }) }
  },
}

describe('the example of an adapter', () => {
  test.each(BEHAVIOURS.map(({ id, about }) => [about, id] as const))('%s', { timeout: 60_000 }, async (_about, id) => {
    const asked = { scratch, elsewhere: path.join(scratch, 'elsewhere'), only: [id] }
    const [row] = await conformance(SUBJECT, asked)
    rows.push(row!)
    expect(row!.verdict === 'fails' ? row!.because : []).toEqual([])
  })

  test('is found by doctor with its version', async () => {
    const workspace = path.join(scratch, 'probed')
    const { runner } = await SUBJECT.prepare({ turns: [], workspace })
    expect(await runner.probe()).toMatchObject({ runner: 'example_agent', ok: true, version: 'example-agent 1.0' })
  })

  test('cannot be certified under the name of another runner', () => {
    const certify = () => moduleRunner('codex_cli', ADAPTER, { workspaceRoot: scratch, environment: {} })
    expect(certify).toThrow('codex_cli is a runner of this version; give the adapter another name.')
  })

  test(`has at most ${LINES_MAX} lines, and is printed in docs/authoring.md as it is`, () => {
    const text = fs.readFileSync(ADAPTER, 'utf8')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(LINES_MAX)
    expect(fs.readFileSync(PAGE, 'utf8')).toContain(`\`\`\`js\n${text}\`\`\``)
  })
})
