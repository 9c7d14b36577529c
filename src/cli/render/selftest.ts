/** How the crash table of this file system reads. */
import type { SelftestOutput } from '../../operations/selftest.ts'
import type { Look } from '../look.ts'

export function selftestCrash(output: SelftestOutput, look: Look): string {
  return look.terminal ? forPeople(output, look) : forPrograms(output, look)
}

function forPrograms(output: SelftestOutput, look: Look): string {
  const { file_system, states, broken } = output
  return [
    look.field('ok', output.ok),
    look.field('interrupted', output.interrupted),
    look.field('folder', output.folder),
    look.field('seed', output.seed),
    look.field('duration_seconds', output.duration_seconds),
    ...Object.entries(file_system).map(([name, value]) => look.field(`file_system.${name}`, value)),
    look.field('stories', output.stories),
    look.field('crash_points', output.crash_points),
    look.field('judged', output.judged),
    ...states.map(({ state, judged, held }) => `state: ${state} judged=${judged} held=${held}`),
    ...broken.map(({ story, state, after, what }) => `broken: ${state} ${story}: ${after}: ${what.join('; ')}`),
  ].join('\n')
}

function forPeople(output: SelftestOutput, look: Look): string {
  const { paint, safe } = look
  const { ok, judged, file_system, states, broken } = output
  const rows = states.map((row) => [row.state, String(row.judged), String(row.held), row.what])
  const verdict = ok
    ? `${paint.green('✓')} ${judged} crashes: nothing lost, nothing doubled, nothing stuck`
    : `${paint.red('✗')} ${broken.length} of ${judged} crashes broke something`
  return [
    look.table(rows, [
      { title: 'left by the crash' },
      { title: 'judged', align: 'right' },
      { title: 'held', align: 'right' },
      { title: 'what that is', flexible: true },
    ]),
    '',
    ...missing(file_system).map((sentence) => `${paint.yellow('!')} ${sentence}`),
    ...broken.flatMap(({ story, state, after, what }) => [
      `${paint.red(state)} story "${story}", after ${safe(after)}`,
      ...what.map((sentence) => `  ${safe(sentence)}`),
    ]),
    `${verdict}, in ${output.duration_seconds} s below ${output.folder} (one flush ${file_system.flush_milliseconds} ms, seed ${output.seed})`,
  ].join('\n')
}

function missing(facts: SelftestOutput['file_system']): string[] {
  return [
    ...(facts.links ? [] : ['this file system has no hard links: items are moved by renaming instead']),
    ...(facts.renames ? [] : ['a file renamed onto another does not take its place: do not keep a workspace here']),
    ...(facts.flushes_folders ? [] : ['folders cannot be flushed: new names may be lost when power is']),
    ...(facts.case_sensitive ? [] : ['names that differ in case alone are one name here']),
    ...(facts.flush_milliseconds < 0.5
      ? ['a flush is so quick that the disk may acknowledge it early: then losing power can lose what was flushed']
      : []),
  ]
}
