/** After a change of config or assets: a runtime at work reads both again, so that the change is in force. */
import type { Context } from './context.ts'
import { type Issued, issue } from './issue.ts'

/**
 * The answer to a change with when it counts (`effect`, for a runtime at work), and whether that runtime has read it.
 * Without one the next start reads it.
 */
export async function reloaded(context: Context, issued: Issued, effect: string): Promise<Issued> {
  if (issued.state === 'refused') return issued
  const detail = `${issued.detail}; ${issued.mode === 'direct' ? 'the next start reads it' : effect}`
  if (issued.mode === 'direct' || issued.state === 'preview') return { ...issued, detail }
  // The change itself may be meant for one state only; what follows from it is not.
  const reload = await issue({ ...context, ifState: null }, 'reload_config', {})
  if (reload.state === 'queued') return issued
  const told = reload.applied ? detail : `${issued.detail}; not in force: ${reload.detail}`
  return { ...issued, detail: told, result: { ...issued.result, reloaded: reload.applied } }
}
