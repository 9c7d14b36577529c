/** Which function makes text of an operation's answer; loaded only when that answer is to be shown. */
import type { Look } from '../look.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers differ from verb to verb; each renderer is typed by its own.
type Renderer = (output: any, look: Look) => string

const control = async () => (await import('./control.ts')).issued
const queue = () => import('./queue.ts')
const plan = () => import('./plan.ts')
const runs = () => import('./runs.ts')
const assets = () => import('./assets.ts')
const skills = () => import('./skills.ts')
const run = () => import('./run.ts')
const daemon = () => import('./daemon.ts')
const rescue = () => import('./rescue.ts')

const RENDERERS: Readonly<Record<string, () => Promise<Renderer>>> = {
  init: async () => (await import('./workspace.ts')).init,
  upgrade: async () => (await import('./workspace.ts')).upgrade,
  demo: async () => (await import('./demo.ts')).demo,
  'selftest crash': async () => (await import('./selftest.ts')).selftestCrash,
  status: async () => (await import('./status.ts')).status,
  why: async () => (await import('./why.ts')).why,
  'queue ls': async () => (await queue()).ls,
  'queue show': async () => (await queue()).show,
  'queue add-task': async () => (await queue()).added,
  'queue add-spec': async () => (await queue()).added,
  'queue add-idea': async () => (await queue()).added,
  'queue add-probe': async () => (await queue()).added,
  'queue add-learning-request': async () => (await queue()).added,
  'queue new': async () => (await queue()).added,
  'queue retry': control,
  'queue cancel': control,
  'queue reorder': control,
  'queue cleanup quarantine': control,
  'queue release': control,
  'queue archive-blocked': control,
  'queue supersede': control,
  'queue retarget-dependency': control,
  'queue repair-lineage': async () => (await import('./lineage.ts')).repair,
  'incidents resolve': control,
  'incidents cancel': control,
  'incidents archive-invalid': control,
  'run once': async () => (await run()).once,
  'run daemon': async () => (await run()).daemon,
  start: async () => (await run()).start,
  'daemon start': async () => (await daemon()).start,
  'daemon stop': async () => (await daemon()).stop,
  'daemon status': async () => (await daemon()).status,
  'daemon logs': async () => (await daemon()).logs,
  'daemon install': async () => (await daemon()).unit,
  'daemon uninstall': async () => (await daemon()).unit,
  'runs ls': async () => (await runs()).ls,
  'runs show': async () => (await runs()).show,
  'runs trace': async () => (await runs()).trace,
  'runs provenance': async () => (await import('./provenance.ts')).provenance,
  'runs tail': async () => (await runs()).tail,
  'runs follow': async () => (await import('./follow.ts')).follow,
  'approvals ls': async () => (await import('./approvals.ts')).ls,
  'approvals show': async () => (await import('./approvals.ts')).show,
  'approvals approve': control,
  'approvals deny': control,
  'incidents ls': async () => (await import('./incidents.ts')).ls,
  'closure ls': async () => (await import('./closure.ts')).ls,
  'closure show': async () => (await import('./closure.ts')).show,
  'notify ls': async () => (await import('./notify.ts')).ls,
  'notify test': async () => (await import('./notify.ts')).test,
  'notify check': async () => (await import('./notify.ts')).check,
  'notify retry': control,
  usage: async () => (await import('./usage.ts')).usage,
  logs: async () => (await import('./logs.ts')).logs,
  'rescue ls': async () => (await rescue()).list,
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
  'compile diff': async () => (await import('./plan-diff.ts')).diff,
  'modes ls': async () => (await plan()).modesLs,
  'modes show': async () => (await plan()).modesShow,
  'assets ls': async () => (await assets()).assetsLs,
  'assets show': async () => (await assets()).assetsShow,
  'assets localise': control,
  'loops ls': async () => (await assets()).loopsLs,
  'loops show': async () => (await assets()).loopsShow,
  'stages ls': async () => (await assets()).stagesLs,
  'stages show': async () => (await assets()).stagesShow,
  'models ls': async () => (await assets()).modelsLs,
  'models show': async () => (await assets()).modelsShow,
  'skills ls': async () => (await skills()).ls,
  'skills show': async () => (await skills()).show,
  'skills search': async () => (await skills()).search,
  'skills install': control,
  'skills export': async () => (await skills()).exported,
  'config show': async () => (await import('./config.ts')).show,
  'config set': control,
  'config validate': async () => (await import('./config.ts')).validate,
  health: async () => (await import('./doctor.ts')).health,
  doctor: async () => (await import('./doctor.ts')).doctor,
  gc: async () => (await import('./gc.ts')).gc,
  docs: async () => (await import('./docs.ts')).docs,
  completion: async () => (await import('./completion.ts')).completion,
  version: async () => (await import('./version.ts')).version,
}

/** The renderer of an operation by canonical name; what has none is shown as JSON, which is all it gives. */
export const rendererOf = async (name: string): Promise<Renderer> =>
  RENDERERS[name]?.() ?? ((output) => JSON.stringify(output, null, 2))

/** For tests: every operation whose answer has a text form. */
export const RENDERED: readonly string[] = Object.keys(RENDERERS)
