/** Commands in the middle of a stage: to stop, cancel or begin anew what it works on, or to put another config in force. */
import * as path from 'node:path'
import type { Files } from '../../core/files.ts'
import { posting, type Story } from '../story.ts'
import { at } from './ending.ts'
import { BUILT, unless, until } from './script.ts'

export const stop: Story = {
  name: 'stop',
  about: 'control',
  tells: 'the runtime is stopped in the middle of a stage; the next one runs the stage again',
  begin: ({ task }) => task('a'),
  script: unless('builder', ({ previous_attempt }) => (previous_attempt === null ? until('stop') : null)),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

export const cancel: Story = {
  name: 'cancel',
  about: 'control',
  tells: 'a run is cancelled in the middle of a stage; its item is blocked',
  begin: ({ task }) => task('a'),
  script: unless('builder', ({ run_id }) => until('cancel_run', { run_id })),
  ends: { 'task a': 'blocked' },
  outcomes: [],
}

export const requeue: Story = {
  name: 'requeue',
  about: 'control',
  tells: 'a run is started over in the middle of a stage; its item goes back to the queue and through',
  begin: ({ task }) => task('a'),
  script: unless('builder', ({ previous_attempt }, _attempt, files) =>
    previous_attempt !== null || files.stat(at('tasks/queue/a.requeue.jsonl')) !== null ? null : until('retry_active'),
  ),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

export const reload: Story = {
  name: 'reload',
  about: 'control',
  tells: 'the config is edited and reloaded while a stage runs',
  begin: ({ task }) => task('a'),
  script: unless('builder', () => ({
    outcome: 'BUILDER_COMPLETE',
    async meanwhile(files, clock) {
      await saved(files, at('millrace.toml'), '[stages.checker]\ntimeout_seconds = 77\n')
      await posting('reload_config')(files, clock)
    },
  })),
  ends: { 'task a': 'done' },
  outcomes: BUILT,
}

/** Saves a file as a careful editor does. */
async function saved(files: Files, file: string, text: string): Promise<void> {
  files.write(`${file}.new`, text)
  await files.flush([`${file}.new`])
  files.rename(`${file}.new`, file)
  await files.flush([path.dirname(file)])
}
