/** Skills: which there are, one of them, and where something is said. Needs no workspace. */

import * as path from 'node:path'
import { clip } from '../../core/clip.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import type { Context } from '../context.ts'
import type { SkillsLsOutput, SkillsSearchOutput, SkillsShowOutput } from '../schemas/skills.ts'
import { skillField } from './fields.ts'
import { folderOf, type KnownSkill, requireKnown, skillsOf } from './find.ts'

export const skillsLs: Operation<Context, { stage?: string }, SkillsLsOutput> = {
  name: 'skills ls',
  flavour: 'read',
  summary: 'Skills there are, and which stages use them.',
  description:
    'Lists the skills of the package and of the workspace, if there is one, whose own text counts where both have it: what each is for, and which stages load it.',
  input: [{ name: 'stage', type: 'text', placeholder: 'ID', description: 'Only those that this stage kind uses.' }],
  examples: [
    { command: 'millrace skills', does: 'see which skills there are' },
    { command: 'millrace skills ls --stage checker', does: 'see what a checker is given' },
  ],
  output: async () => (await import('../schemas.ts')).skillsLsSchema(),
  async run(context, { stage }) {
    const isAsked = ({ used_by }: KnownSkill) =>
      stage === undefined || used_by.some(({ stage_kind_id }) => stage_kind_id === stage)
    return { skills: skillsOf(context).filter(isAsked).map(about) }
  },
}

export const skillsShow: Operation<Context, { skill_id: string; text?: boolean }, SkillsShowOutput> = {
  name: 'skills show',
  flavour: 'read',
  summary: 'One skill: what it is for, where it lies, its text.',
  description:
    'Shows what a skill says of itself, which stages use it, where its text lies, and the hash by which runs record what they were given.',
  input: [skillField, { name: 'text', type: 'flag', description: 'Print the text itself.' }],
  examples: [
    { command: 'millrace skills show builder-core', does: 'see what it is and who loads it' },
    { command: 'millrace skills show builder-core --text', does: 'read it' },
  ],
  output: async () => (await import('../schemas.ts')).skillsShowSchema(),
  async run(context, { skill_id, text }) {
    const known = requireKnown(skillsOf(context), skill_id)
    const folder = folderOf(context, known)
    const skill = known.read.ok ? known.read.skill : null
    return {
      ...about(known),
      version: skill?.version ?? null,
      capability_type: skill?.capability_type ?? null,
      recommended_for_stages: skill?.recommended_for_stages ?? [],
      revision: known.revision(),
      file: path.join(folder, path.posix.basename(known.file.path)),
      files: known.files(),
      text: text === true ? known.file.text : null,
    }
  },
}

export const skillsSearch: Operation<Context, { words: readonly string[] }, SkillsSearchOutput> = {
  name: 'skills search',
  flavour: 'read',
  summary: 'Which skills speak of something.',
  description:
    'Finds the skills that have all the words, in id, heading, description or text, whatever their case, and shows the line that fits best. A word of the id counts most, then heading and description.',
  input: [
    {
      name: 'words',
      type: 'list',
      positional: true,
      required: true,
      placeholder: 'WORDS',
      description: 'Words to look for.',
    },
  ],
  examples: [{ command: 'millrace skills search acceptance evidence', does: 'find advice on them' }],
  output: async () => (await import('../schemas.ts')).skillsSearchSchema(),
  async run(context, { words: given }) {
    const query = given.join(' ')
    const words = query.toLowerCase().split(/\s+/).filter(Boolean)
    if (words.length === 0)
      throw new MillraceError('usage', 'There is no word to look for.', {
        hint: 'list all skills with `millrace skills`',
      })
    const found = skillsOf(context).flatMap((known) => {
      const score = scoreOf(known, words)
      return score === null ? [] : [{ score, ...bestLine(known, words) }]
    })
    // The list was in the order of ids, which stays where the score is the same.
    return { query, found: found.sort((a, b) => b.score - a.score).map(({ score: _, ...hit }) => hit) }
  },
}

function about({ id, file, read, used_by }: KnownSkill): SkillsLsOutput['skills'][number] {
  const fault = read.ok ? null : read.faults[0]!
  return {
    skill_id: id,
    title: read.ok ? read.skill.title : null,
    description: read.ok ? read.skill.description : null,
    source: file.source,
    path: file.path,
    used_by,
    problem: fault === null ? idProblem(id, read) : `line ${fault.line}: ${fault.message}`,
  }
}

const idProblem = (id: string, read: KnownSkill['read']): string | null =>
  read.ok && read.skill.id !== id ? `it calls itself ${read.skill.id}, but lies where ${id} belongs` : null

/** What a word counts by the best place it stands in. */
const WEIGHTS = { id: 8, title: 4, description: 2, text: 1 }

/** Null if a word stands nowhere. */
function scoreOf({ id, file, read }: KnownSkill, words: readonly string[]): number | null {
  const places: [string, number][] = [
    [id, WEIGHTS.id],
    [read.ok ? read.skill.title : '', WEIGHTS.title],
    [read.ok ? read.skill.description : '', WEIGHTS.description],
    [file.text, WEIGHTS.text],
  ]
  let score = 0
  for (const word of words) {
    const place = places.find(([text]) => text.toLowerCase().includes(word))
    if (place === undefined) return null
    score += place[1]
  }
  return score
}

const LINE_CHARS_MAX = 200

/** The first of the lines with the most words; the heading's words are no find where a sentence has as many. */
function bestLine({ id, file, read }: KnownSkill, words: readonly string[]) {
  const lines = file.text.split('\n')
  const counts = lines.map((line) => words.filter((word) => line.toLowerCase().includes(word)).length)
  const at = counts.indexOf(Math.max(...counts))
  return {
    skill_id: id,
    title: read.ok ? read.skill.title : null,
    path: file.path,
    line: at + 1,
    text: clip(lines[at]!.trim(), LINE_CHARS_MAX),
  }
}
