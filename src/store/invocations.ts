/** What was started in a run folder, as its runner wrote it down right before: for runs of which no request is kept. */
import * as path from 'node:path'
import { maybe, record, type Shape, text } from '../core/shape.ts'
import { type Files, readText } from './files.ts'

const isInvocation = record({
  request_id: text,
  stage: text,
  request_kind: text,
  active_work_item_id: maybe(text),
  closure_target_root_spec_id: maybe(text),
  runner_name: text,
  emitted_at: text,
})

export type Invocation = typeof isInvocation extends Shape<infer T> ? T : never

/** In the order in which they were started. `runDir`: absolute. What cannot be read is left out. */
export function readInvocations(files: Files, runDir: string): Invocation[] {
  return (files.list(runDir) ?? [])
    .filter((name) => /^runner_invocation\..+\.json$/.test(name))
    .flatMap((name) => {
      try {
        const value: unknown = JSON.parse(readText(files, path.join(runDir, name)) ?? 'null')
        return isInvocation(value) ? [value] : []
      } catch {
        return []
      }
    })
    .sort((a, b) => (a.emitted_at < b.emitted_at ? -1 : a.emitted_at > b.emitted_at ? 1 : 0))
}
