/** A builder that is at work until somebody outside stops or kills something, and what must hold afterwards. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { building, type Scene } from './scene.ts'
import type { Script } from './script.ts'

/** How long work that takes a second or two may take on a busy machine. */
export const WORK = { timeout: 30_000 }
/** Default of runtime.stop_grace_seconds. */
export const GRACE_MS = 5000
/** A command that goes on until the file `go` is there, for half a minute at most. */
export const UNTIL_TOLD = 'n=0; until [ -e go ] || [ $n -gt 300 ]; do n=$((n+1)); sleep 0.1; done'

/** A builder whose first attempt runs `command` and whose later ones succeed at once. */
export const atFirst =
  (command: string): Script =>
  (prompt) =>
    building(prompt, /^Previous Attempt: none$/m.test(prompt) ? `touch begun; ${command}` : 'touch again')

/** Starts a daemon on a scene of `atFirst`, and resolves once the command has begun. */
export async function atWork(opening: Promise<Scene>) {
  const opened = await (await opening).withTask()
  const daemon = opened.workspace.start('run', 'daemon')
  const made = (name: string) => existsSync(join(opened.workspace.root, name))
  await expect.poll(() => made('begun'), WORK).toBe(true)
  return { ...opened, daemon, made, go: () => writeFileSync(join(opened.workspace.root, 'go'), '') }
}

export type AtWork = Awaited<ReturnType<typeof atWork>>

/** Resolves once a process of the scene has this in its command line. */
export const seen = ({ processes }: Pick<Scene, 'processes'>, text: string): Promise<void> =>
  expect.poll(() => processes().some((line) => line.includes(text)), WORK).toBe(true)

/** The stage that was cut short is run again by the next start, and leaves nothing. */
export async function expectGoneOn({ workspace, made, processes }: AtWork): Promise<void> {
  expect((await workspace.run('run', 'once')).code).toBe(0)
  expect(workspace.stageRuns().map(({ results }) => results.map((own) => own.terminal_result))).toEqual([
    [],
    ['BUILDER_COMPLETE'],
  ])
  expect([made('again'), made('never')]).toEqual([true, false])
  expect(processes()).toEqual([])
}

/** The daemon is killed, and the next one adopts the harness that lives on (`sign` is in its command line). */
export async function expectAdopted({ workspace, daemon, processes, go }: AtWork, sign: string): Promise<void> {
  daemon.signal('SIGKILL')
  expect((await daemon.ended).signal).toBe('SIGKILL')
  expect(processes().filter((line) => line.includes(sign))).not.toEqual([])

  const next = workspace.start('run', 'once')
  await expect.poll(() => workspace.events('stage_adopted'), WORK).toHaveLength(1)
  go()
  expect(await next.ended).toMatchObject({ code: 0, stderr: '' })
}
