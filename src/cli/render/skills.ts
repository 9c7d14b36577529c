/** How skills read. */
import type {
  SkillsExportOutput,
  SkillsLsOutput,
  SkillsSearchOutput,
  SkillsShowOutput,
  SkillUse,
} from '../../operations/schemas/skills.ts'
import type { Look } from '../look.ts'
import { pairs, quoted } from './quoted.ts'

/** Stage kinds, each once; those that only may use the skill say how. */
const users = (used_by: readonly SkillUse[]): string[] => [
  ...new Set(used_by.map(({ stage_kind_id, as }) => (as === 'required' ? stage_kind_id : `${stage_kind_id}:${as}`))),
]

export function ls({ skills }: SkillsLsOutput, look: Look): string {
  if (!look.terminal)
    return skills
      .map(({ title, description, used_by, problem, ...flat }) =>
        look.field(
          'skill',
          `${pairs({ ...flat, used_by: users(used_by).join(',') })} title=${quoted(title)} description=${quoted(description)}${problem === null ? '' : ` problem=${quoted(problem)}`}`,
        ),
      )
      .join('\n')
  if (skills.length === 0) return look.paint.dim('No skill.')
  const rows = skills.map((one) => [
    one.skill_id,
    users(one.used_by).join(', ') || '–',
    one.source,
    one.problem === null ? look.safe(one.description ?? '') : look.paint.red(look.safe(one.problem)),
  ])
  const columns = [{ title: 'SKILL' }, { title: 'USED BY' }, { title: 'FROM' }, { title: 'WHAT', flexible: true }]
  return look.table(rows, columns)
}

export function show(output: SkillsShowOutput, look: Look): string {
  if (output.text !== null)
    return look.terminal ? output.text.trimEnd().split('\n').map(look.safe).join('\n') : output.text
  return [
    look.field('skill_id', output.skill_id),
    look.field('title', output.title),
    look.field('description', output.description),
    look.field('source', `${output.source} ${output.path}`),
    look.field('version', output.version),
    look.field('capability_type', output.capability_type),
    look.field('recommended_for_stages', output.recommended_for_stages.join(',')),
    ...output.used_by.map((use) => look.field('used_by', pairs(use))),
    look.field('revision', output.revision),
    look.field('file', output.file),
    ...output.files.map((file) => look.field('part', file)),
    ...(output.problem === null ? [] : [look.field('problem', output.problem)]),
  ].join('\n')
}

export function search({ found }: SkillsSearchOutput, { terminal, paint, safe, field }: Look): string {
  if (found.length === 0) return terminal ? paint.dim('Nothing found.') : ''
  if (!terminal)
    return found
      .map(({ skill_id, path, line, text }) =>
        field('found', `${pairs({ skill_id, path, line: `${line}` })} text=${quoted(text)}`),
      )
      .join('\n')
  return found.map(({ skill_id, line, text }) => `${paint.cyan(`${skill_id}:${line}`)}: ${safe(text)}`).join('\n')
}

export function exported({ skill_id, output, bytes, files, written, sha256 }: SkillsExportOutput, look: Look): string {
  if (look.terminal) {
    const what = `${skill_id}, ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${bytes} bytes`
    return written
      ? `${look.paint.green('✓')} wrote ${look.safe(output)} (${what})`
      : `${look.paint.dim('there already, with the same bytes:')} ${look.safe(output)} (${what})`
  }
  return [
    look.field('exported_skill', output),
    look.field('skill_id', skill_id),
    look.field('bytes', bytes),
    look.field('sha256', sha256),
    ...files.map((file) => look.field('part', file)),
    look.field('written', written),
  ].join('\n')
}
