/** What the verbs of the daemon's process give. */
import * as z from 'zod'
import type { DaemonStartOutput, DaemonStopOutput } from '../daemon/daemon.ts'
import type { DaemonUnitOutput } from '../daemon/install.ts'
import type { DaemonStatusOutput } from '../daemon/status.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const flag = (what: string) => z.boolean().describe(what)
const amount = (what: string) => z.number().min(0).nullable().describe(what)
const workspace = text('Directory that is served.')

export const DaemonStart = z
  .strictObject({
    workspace,
    state: z
      .enum(['ready', 'starting'])
      .describe('`ready`: it owns the workspace and is at work. `starting`: nobody waited for that.'),
    pid: z.int().min(1).describe('Its process.'),
    log_path: text('Where it prints to.'),
    interrupted: flag('Whether Ctrl-C ended the waiting; the daemon goes on.'),
  })
  .describe('A daemon that was started.')
DaemonStart satisfies z.ZodType<DaemonStartOutput>

export const DaemonStop = z
  .strictObject({
    workspace,
    state: z
      .enum(['stopped', 'not_running', 'queued', 'preview'])
      .describe(
        '`stopped`: its process is gone. `queued`: it will be asked, and nobody waited for it. `preview`: nothing was done.',
      ),
    mode: z.enum(['direct', 'mailbox']).describe('`mailbox`: a runtime was asked. `direct`: there is none.'),
    applied: flag('Whether a process was stopped by this.'),
    detail: text('The same in a sentence.'),
    pid: z.int().min(1).nullable().describe('The process it was about.'),
    state_id: maybe('Of a preview: the state it looked at, for --if-state.'),
  })
  .describe('What became of the daemon.')
DaemonStop satisfies z.ZodType<DaemonStopOutput>

export const DaemonStatus = z
  .strictObject({
    workspace,
    running: flag('Whether a runtime owns the workspace, as far as can be told from here.'),
    pid: z.int().min(1).nullable().describe('Its process.'),
    host: maybe('Machine it runs on.'),
    since: maybe('When it took the workspace (ISO time).'),
    uptime_seconds: amount('Seconds since then.'),
    memory_bytes: amount('Memory it holds; null if that cannot be told from here.'),
    cpu_seconds: amount('CPU time it has used, its agents not counted.'),
    lock: z
      .enum(['absent', 'released', 'active', 'stale', 'invalid', 'foreign'])
      .describe('What the lock of the workspace says.'),
    lock_detail: text('The same in a sentence.'),
    log_path: text('Where a detached daemon prints to.'),
    log_bytes: z.int().min(0).describe('How large that is.'),
    version: text('Version of this command.'),
    installed: z
      .array(
        z.strictObject({ system: z.enum(['systemd', 'launchd']).describe('What reads it.'), path: text('The file.') }),
      )
      .describe('Files by which the system starts a daemon of this workspace.'),
  })
  .describe('The process of the daemon.')
DaemonStatus satisfies z.ZodType<DaemonStatusOutput>

export const DaemonLogLine = z.strictObject({ line: text('As it was printed.') }).describe('A line of the log.')

export const DaemonLogEnd = z
  .strictObject({
    end: z.strictObject({
      reason: z.enum(['end_of_log', 'interrupted', 'closed']).describe('Why nothing more is told.'),
      lines: z.int().min(0).describe('Lines that were told.'),
    }),
  })
  .describe('The last line.')
export type DaemonLogEnd = z.infer<typeof DaemonLogEnd>

export const DaemonUnit = z
  .strictObject({
    workspace,
    system: z.enum(['systemd', 'launchd']).describe('What reads the file.'),
    name: text('Name of the unit, or label of the agent.'),
    path: text('Where the file belongs.'),
    found: z
      .enum(['absent', 'same', 'outdated', 'edited'])
      .describe('How it lay there before; `outdated`: as an earlier install wrote it.'),
    applied: flag('Whether it was written or removed; otherwise it was only shown.'),
    text: maybe('The file; null where it is taken away.'),
    kept_as: maybe('Where an edited file was put.'),
    commands: z.array(z.string()).describe('What to run, in this order.'),
    text_only: flag('Whether nothing but the text was asked for.'),
  })
  .describe('The file by which the system starts the daemon.')
DaemonUnit satisfies z.ZodType<DaemonUnitOutput>
