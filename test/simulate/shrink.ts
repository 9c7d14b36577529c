/**
 * Shrinking a story that fails: actions are left out, by halves and then one by one, agents made honest, and what was to
 * happen in the middle of something made to happen at rest, as long as it still fails in the same way.
 */
import fc from 'fast-check'
import { HONEST, type Story } from './actions.ts'

/** `fails` gives how a story fails, or null. Stops once `isOver`, with the shortest story found so far. */
export async function shrunk(
  story: Story,
  fails: (story: Story) => Promise<string | null>,
  isOver: () => boolean,
): Promise<{ story: Story; tries: number }> {
  let best = story
  let tries = 0
  const wanted = await fails(story)
  const attempt = async (candidate: Story): Promise<boolean> => {
    if (isOver()) return false
    tries += 1
    if ((await fails(candidate)) !== wanted) return false
    best = candidate
    return true
  }
  const withActions = (actions: Story['actions']) => attempt({ ...best, actions })
  let size = 0
  while (size !== fc.stringify(best).length && !isOver()) {
    size = fc.stringify(best).length
    for (let length = best.actions.length; length >= 1; length = length >> 1)
      for (let at = best.actions.length - length; at >= 0; at -= length)
        if (at + length <= best.actions.length) await withActions(best.actions.toSpliced(at, length))
    if (!(await attempt({ ...best, tempers: [HONEST] }))) {
      for (const at of best.tempers.keys()) await attempt({ ...best, tempers: best.tempers.with(at, HONEST) })
      for (const at of best.tempers.keys())
        for (const name of Object.keys(HONEST) as (keyof typeof HONEST)[])
          if (best.tempers[at]![name] !== HONEST[name])
            await attempt({ ...best, tempers: best.tempers.with(at, { ...best.tempers[at]!, [name]: HONEST[name] }) })
      while (best.tempers.length > 1 && (await attempt({ ...best, tempers: best.tempers.slice(0, -1) })));
    }
    for (const [at, action] of best.actions.entries())
      if ('after' in action && action.after > 0) await withActions(best.actions.with(at, { ...action, after: 0 }))
  }
  return { story: best, tries }
}
