/** Control: pausing, resuming, stopping, and putting runs back on their feet. Each posts one command. */
import type { InputField, Operation } from '../core/operation.ts'
import { type Context, requireWorkspace } from './context.ts'
import { reasonField, runField } from './fields.ts'
import { type Issued, issue } from './issue.ts'

const output = async () => (await import('./schemas.ts')).issuedSchema()

interface Control {
  name: string
  command: string
  summary: string
  description: string
  input?: readonly InputField[]
  examples: Operation<Context>['examples']
  /** Input to payload; the default passes reasons on. */
  payload?: (input: Record<string, unknown>) => Record<string, unknown>
}

function control(definition: Control): Operation<Context, Record<string, unknown>, Issued> {
  const {
    name,
    command,
    summary,
    description,
    input = [],
    examples,
    payload = (given) => (given.reason === undefined ? {} : { reason: given.reason }),
  } = definition
  return {
    name,
    flavour: 'change',
    summary,
    description,
    input,
    examples,
    output,
    async run(context, given) {
      requireWorkspace(context)
      return issue(context, command, payload(given), { force: given.force === true })
    },
  }
}

export const pause = control({
  name: 'control pause',
  command: 'pause',
  summary: 'Start nothing new; running stages go on.',
  description:
    'Adds the pause source "operator". Agents at work are not touched and their results are settled. A pause survives restarts; clear it with `control resume`.',
  input: [reasonField('operator requested pause')],
  examples: [{ command: 'millrace pause --reason "release day"', does: 'hold everything that has not started' }],
})

export const resume = control({
  name: 'control resume',
  command: 'resume',
  summary: 'Clear the operator pause and go on.',
  description:
    'Clears the pause sources "operator" and "environment", and tries at once what waited for its next try. Other sources stay.',
  examples: [{ command: 'millrace resume', does: 'go on' }],
})

export const stop = control({
  name: 'control stop',
  command: 'stop',
  summary: 'End the runtime; active runs are taken up at the next start.',
  description:
    'Ends running agents in three steps (polite stop, kill, sweep), puts each run back to ready at the same node without using a budget, and ends the daemon. Partial work in the tree is kept.',
  input: [{ name: 'drain', type: 'flag', description: 'Let the running stages end by themselves first.' }],
  examples: [
    { command: 'millrace stop', does: 'stop now' },
    { command: 'millrace control stop --drain', does: 'finish the running stages, then stop' },
  ],
  payload: (given) => (given.drain === true ? { drain: true } : {}),
})

export const cancel = control({
  name: 'control cancel',
  command: 'cancel_run',
  summary: 'End one run and block its item.',
  description:
    'Ends the agent of a run and moves its work item to blocked. To take an item out of a queue instead, use `queue cancel`.',
  input: [{ ...runField, states: ['active'] }, reasonField('operator cancelled the run')],
  examples: [{ command: 'millrace cancel run-4f0c', does: 'end that run' }],
  payload: (given) => ({ run_id: given.run_id, reason: given.reason }),
})

export const retryActive = control({
  name: 'control retry-active',
  command: 'retry_active',
  summary: 'Put the active item back into its queue and start over.',
  description:
    'Ends the agent of the active run, forgets its budgets, and requeues the item with the reason. A held closure run is started again instead.',
  input: [reasonField('operator requested retry')],
  examples: [
    { command: 'millrace control retry-active --reason "wrong branch checked out"', does: 'start the item over' },
  ],
})

export const planningRetryActive = control({
  name: 'planning retry-active',
  command: 'retry_active',
  summary: 'The same for the planning plane only.',
  description: 'Refuses unless the active run is one of the planning plane.',
  input: [reasonField('operator requested planning retry')],
  examples: [{ command: 'millrace planning retry-active', does: 'start the active spec or incident over' }],
  payload: (given) => ({ reason: given.reason, scope: 'planning' }),
})

export const clearStaleState = control({
  name: 'control clear-stale-state',
  command: 'clear_stale_state',
  summary: 'Take over a dead lock and put held runs back to ready.',
  description:
    'Releases held runs and held closure targets, clears pauses, and takes over the lock of a runtime that is proven dead. What the next runtime can resume by itself is left to it; --requeue puts every active item back into its queue instead. --force also kills a runtime of this machine that holds the lock, stopped or not, and succeeds a lock of which nothing can be proven from here: be sure that runtime is gone, and end its agents too.',
  input: [
    reasonField('operator requested stale-state clear'),
    { name: 'requeue', type: 'flag', description: 'Put every active item back into its queue.' },
    {
      name: 'force',
      type: 'flag',
      description: 'Kill the runtime that holds the lock; succeed one of another host, namespace or version unseen.',
    },
  ],
  examples: [{ command: 'millrace control clear-stale-state', does: 'after a crash that left a run held' }],
  payload: (given) => ({ reason: given.reason, ...(given.requeue === true ? { requeue: true } : {}) }),
})

export const reloadConfig = control({
  name: 'control reload-config',
  command: 'reload_config',
  summary: 'Read millrace.toml again and compile; new runs use the new plan.',
  description:
    'A reload that does not compile keeps the plan in force and says why. Active runs keep the plan they were started under.',
  examples: [{ command: 'millrace config reload', does: 'put an edited config in force' }],
})
