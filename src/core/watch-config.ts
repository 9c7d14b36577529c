/**
 * What the runtime looks at beside the mailbox and the queues it works through, and what wakes it: `[watchers]` of
 * millrace.toml.
 */
import * as z from 'zod'
import { tick } from './boundary.ts'

/** What can be watched, each with what it is. */
export const WATCH_ROOTS = {
  tasks_queue: 'a document in the folder of queued tasks wakes the runtime',
  specs_queue: 'a document in the folder of queued specs or incidents wakes it',
  ideas_inbox: 'a file in ideas/inbox becomes a spec',
  mailbox: 'a command in the mailbox wakes the runtime',
  config: 'a changed millrace.toml is read again',
  stop_files: 'STOP_AUTONOMY, AUTONOMY_COMPLETE and .millstone/STOP.md are heeded',
} as const
export type WatchRoot = keyof typeof WATCH_ROOTS

const NAMES = Object.keys(WATCH_ROOTS) as WatchRoot[]

/** Names that 0.10 gave to roots. */
const OLDER: Readonly<Record<string, readonly WatchRoot[]>> = {
  agents: ['tasks_queue', 'specs_queue', 'stop_files'],
  ideas_raw: ['ideas_inbox'],
  commands_incoming: ['mailbox'],
  config_file: ['config'],
}

const Root = z.enum([...NAMES, ...Object.keys(OLDER)], {
  error: `must be one of ${NAMES.join(', ')}, or as older versions named them: ${Object.keys(OLDER).join(', ')}`,
})

export const WatchConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta(tick('Watch the roots; without it mailbox and queues are looked at every `runtime.idle_sleep_seconds`.')),
  mode: z
    .enum(['watch', 'poll'])
    .default('watch')
    .meta(
      tick(
        'How changes are noticed: `watch` is told of them by the system, `poll` looks every `runtime.idle_sleep_seconds`, for file systems that tell of nothing.',
      ),
    ),
  roots: z
    .array(Root)
    .transform((names): WatchRoot[] => [...new Set(names.flatMap((name) => OLDER[name] ?? [name as WatchRoot]))])
    .default(NAMES)
    .meta(
      tick(
        `What is watched: ${NAMES.map((name) => `${name} (${WATCH_ROOTS[name]})`).join(', ')}. Queues and mailbox that are not watched are still looked at every \`runtime.idle_sleep_seconds\`.`,
      ),
    ),
  debounce_ms: z
    .int()
    .min(1)
    .default(250)
    .meta(tick('How long a file of other hands must have rested before it counts as written.')),
  watch_ideas_inbox: z.boolean().default(true).meta(tick('False takes `ideas_inbox` out of the roots.')),
  watch_specs_queue: z.boolean().default(true).meta(tick('False takes `specs_queue` out of the roots.')),
})
export type WatchConfig = z.infer<typeof WatchConfig>

/** Whether a root is watched, all said and done. */
export function isWatched(
  { enabled, roots, watch_ideas_inbox, watch_specs_queue }: WatchConfig,
  root: WatchRoot,
): boolean {
  if (root === 'ideas_inbox' && !watch_ideas_inbox) return false
  if (root === 'specs_queue' && !watch_specs_queue) return false
  return enabled && roots.includes(root)
}

/** As the snapshot and status say it. */
export const watcherMode = ({ enabled, mode }: WatchConfig): 'watch' | 'poll' | 'off' => (enabled ? mode : 'off')

/** Names of files that editors, browsers and copy programs use while they write: hidden, `~`, .tmp, .swp, .part, .crdownload. */
export const isIgnoredName = (name: string): boolean => /^\.|~$|\.(tmp|swp|part|crdownload)$/i.test(name)
