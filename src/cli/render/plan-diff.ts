/** How the difference of two plans reads. */
import type { CompileDiffOutput } from '../../operations/schemas/plan-diff.ts'
import type { Look } from '../look.ts'
import { quoted, word } from './quoted.ts'

type Change = CompileDiffOutput['changes'][number]

export function diff(output: CompileDiffOutput, look: Look): string {
  return look.terminal ? sheet(output, look) : lines(output, look)
}

function lines({ before, after, same, changes }: CompileDiffOutput, look: Look): string {
  const side = (one: CompileDiffOutput['before']) => `${one.compiled_plan_id} mode=${one.mode_id} source=${one.source}`
  return [
    look.field('before', side(before)),
    look.field('after', side(after)),
    look.field('same', same),
    look.field('change_count', changes.length),
    ...changes.map(({ change, part, plane, id, key, before: old, after: fresh }) => {
      const about = `${change} ${part} plane=${plane ?? 'none'} id=${word(id)}`
      return look.field(
        'change',
        key === null ? about : `${about} key=${key} before=${quoted(old)} after=${quoted(fresh)}`,
      )
    }),
  ].join('\n')
}

const SOURCES = { in_force: 'in force', frozen: 'frozen', compiled_now: 'compiled now' } as const

function sheet({ before, after, same, changes }: CompileDiffOutput, look: Look): string {
  const { paint } = look
  const side = (one: CompileDiffOutput['before']) =>
    `${paint.bold(one.compiled_plan_id)} ${paint.dim(`${SOURCES[one.source]}, ${look.ago(one.compiled_at)}`)}`
  const head = `${side(before)}\n${side(after)}`
  if (same) return `${head}\n${paint.green('✓')} nothing differs`
  return [head, ...byPlace(changes).map(([place, found]) => block(place, found, look))].join('\n\n')
}

/** Lanes in the order they are met; what belongs to none comes last. */
function byPlace(changes: readonly Change[]): [place: string, changes: Change[]][] {
  const places = [...new Set(changes.map(({ plane }) => plane))].sort((a, b) => Number(a === null) - Number(b === null))
  return places.map((place) => [place ?? 'all lanes', changes.filter(({ plane }) => plane === place)])
}

function block(place: string, changes: readonly Change[], look: Look): string {
  const { paint } = look
  const subjects = new Map<string, Change[]>()
  for (const change of changes) {
    const subject = `${change.part} ${change.id}`
    subjects.set(subject, [...(subjects.get(subject) ?? []), change])
  }
  const lines = [...subjects].flatMap(([subject, found]) => {
    const [{ change }] = found as [Change, ...Change[]]
    const name = look.safe(subject)
    if (change === 'added') return [`  ${paint.green(`+ ${name}`)}`]
    if (change === 'removed') return [`  ${paint.red(`- ${name}`)}`]
    return [`  ${paint.yellow('~')} ${name}`, ...found.map((one) => `      ${member(one, look)}`)]
  })
  return [paint.bold(place), ...lines].join('\n')
}

function member({ key, before, after }: Change, look: Look): string {
  const { paint } = look
  if (key === 'sha256') return paint.dim('its text differs')
  const value = (one: unknown) => look.safe(one === null ? '–' : typeof one === 'string' ? one : JSON.stringify(one))
  const name = key?.startsWith('origins.') ? `${key.slice('origins.'.length)} comes from` : (key ?? '')
  return `${paint.dim(`${name}:`)} ${paint.red(value(before))} → ${paint.green(value(after))}`
}
