/** Which function makes text of an operation's answer; loaded only when that answer is to be shown. */
import type { Look } from '../look.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers differ from verb to verb; each renderer is typed by its own.
type Renderer = (output: any, look: Look) => string

const control = async () => (await import('./control.ts')).issued
const queue = () => import('./queue.ts')
const plan = () => import('./plan.ts')
const runs = () => import('./runs.ts')
const run = () => import('./run.ts')
const rescue = () => import('./rescue.ts')

const RENDERERS: Readonly<Record<string, () => Promise<Renderer>>> = {
  init: async () => (await import('./workspace.ts')).init,
  demo: async () => (await import('./demo.ts')).demo,
  'selftest crash': async () => (await import('./selftest.ts')).selftestCrash,
  status: async () => (await import('./status.ts')).status,
  'queue ls': async () => (await queue()).ls,
  'queue show': async () => (await queue()).show,
  'queue add-task': async () => (await queue()).added,
  'queue add-spec': async () => (await queue()).added,
  'queue add-idea': async () => (await queue()).added,
  'queue retry': async () => (await queue()).moved,
  'queue cancel': async () => (await queue()).moved,
  'run once': async () => (await run()).once,
  'run daemon': async () => (await run()).daemon,
  'runs ls': async () => (await runs()).ls,
  'runs show': async () => (await runs()).show,
  'runs trace': async () => (await runs()).trace,
  'runs tail': async () => (await runs()).tail,
  'runs follow': async () => (await import('./follow.ts')).follow,
  'rescue list': async () => (await rescue()).list,
  'rescue show': async () => (await rescue()).show,
  'rescue restore': async () => (await rescue()).restore,
  'control pause': control,
  'control resume': control,
  'control stop': control,
  'control cancel': control,
  'control retry-active': control,
  'control clear-stale-state': control,
  'control reload-config': control,
  'planning retry-active': control,
  'compile validate': async () => (await plan()).validate,
  'compile show': async () => (await plan()).show,
  'compile graph': async () => (await plan()).graph,
  'modes list': async () => (await plan()).modesList,
  'modes show': async () => (await plan()).modesShow,
  'config show': async () => (await import('./config.ts')).show,
  'config validate': async () => (await import('./config.ts')).validate,
  doctor: async () => (await import('./doctor.ts')).doctor,
  docs: async () => (await import('./docs.ts')).docs,
  completion: async () => (await import('./completion.ts')).completion,
  version: async () => (await import('./version.ts')).version,
}

/** The renderer of an operation by canonical name; what has none is shown as JSON, which is all it gives. */
export const rendererOf = async (name: string): Promise<Renderer> =>
  RENDERERS[name]?.() ?? ((output) => JSON.stringify(output, null, 2))

/** For tests: every operation whose answer has a text form. */
export const RENDERED: readonly string[] = Object.keys(RENDERERS)
