/** What the daemon printed: the last lines, and what it goes on printing. */
import type { Operation } from '../../core/operation.ts'
import { AT } from '../../store/layout.ts'
import { lookingOn } from '../alarm.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import type { DaemonLogEnd } from '../schemas/daemon.ts'
import { LogReader } from './log.ts'

interface LogsInput {
  tail?: number
  follow?: boolean
}

const TAIL_LINES_DEFAULT = 50

export const daemonLogs: Operation<Context, LogsInput, DaemonLogEnd> = {
  name: 'daemon logs',
  flavour: 'read',
  follows: () => true,
  summary: 'What the daemon itself printed.',
  description:
    'The last lines of millrace-agents/logs/daemon.log, which a detached daemon appends to, and with --follow what it goes on printing, also after it was started anew. What happened to the work is in the event log: `logs`; what an agent does: `runs follow`.',
  input: [
    {
      name: 'tail',
      type: 'integer',
      minimum: 0,
      default: TAIL_LINES_DEFAULT,
      placeholder: 'N',
      description: 'Begin with the last N lines.',
    },
    { name: 'follow', type: 'flag', description: 'Go on with what is printed from now on, until Ctrl-C.' },
  ],
  examples: [
    { command: 'millrace daemon logs --tail 20', does: 'see the last 20 lines' },
    { command: 'millrace daemon logs --follow', does: 'look on' },
  ],
  output: async () => (await import('../schemas.ts')).daemonLogsSchema(),
  async run(context, { tail = TAIL_LINES_DEFAULT, follow }) {
    requireWorkspace(context)
    return lookingOn(context, async (alarm) => {
      const reader = new LogReader(context.files, placesIn(context))
      let lines = 0
      const tell = async (texts: readonly string[]) => {
        for (const line of texts) await context.tell({ line })
        lines += texts.length
      }
      await tell(reader.tail(tail))
      if (follow !== true) {
        await tell(reader.rest())
        return { end: { reason: 'end_of_log', lines } }
      }
      alarm.watch(placesIn(context).at(AT.logs))
      while (alarm.ended === null) {
        await tell(reader.more())
        await alarm.sleep()
      }
      return { end: { reason: alarm.ended, lines } }
    })
  },
}
