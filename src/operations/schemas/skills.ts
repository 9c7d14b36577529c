/** What looking at skills, and taking one out, gives. */
import * as z from 'zod'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)

const SkillUse = z
  .strictObject({
    stage_kind_id: text('Stage kind.'),
    as: z.enum(['required', 'suggested', 'attached']).describe('Whether it must load it, may, or has it added.'),
    by: maybe('Loop or mode that adds it; null: the stage kind itself.'),
  })
  .describe('A stage that uses the skill.')
export type SkillUse = z.infer<typeof SkillUse>

const about = {
  skill_id: text('Skill.'),
  title: maybe('Its heading; null if it has none.'),
  description: maybe('What it is for; null if it does not say.'),
  source: z.enum(['package', 'workspace']).describe('Whose text it is.'),
  path: text('Its file, relative to the assets root.'),
  used_by: z.array(SkillUse).describe('Stages that use it.'),
  problem: maybe('What is wrong with its text; null: nothing.'),
}

export const SkillsLs = z.strictObject({ skills: z.array(z.strictObject(about)) }).describe('Skills there are.')
export type SkillsLsOutput = z.infer<typeof SkillsLs>

export const SkillsShow = z
  .strictObject({
    ...about,
    version: maybe('Its version.'),
    capability_type: maybe('What kind of advice it is.'),
    recommended_for_stages: z.array(z.string()).describe('Stage kinds it says it is for.'),
    revision: text('Hash that names the state of its text; each stage run records the one it was given.'),
    file: text('Where it lies on this machine.'),
    files: z.array(z.string()).describe('All its files, relative to its folder.'),
    text: maybe('Its text; null unless asked for.'),
  })
  .describe('One skill.')
export type SkillsShowOutput = z.infer<typeof SkillsShow>

export const SkillsSearch = z
  .strictObject({
    query: text('What was looked for.'),
    found: z
      .array(
        z.strictObject({
          skill_id: text('Skill.'),
          title: maybe('Its heading.'),
          path: text('Its file, relative to the assets root.'),
          line: z.int().min(1).describe('Line that fits best.'),
          text: text('That line.'),
        }),
      )
      .describe('Skills with all the words, the best first.'),
  })
  .describe('Skills that speak of something.')
export type SkillsSearchOutput = z.infer<typeof SkillsSearch>

export const SkillsExport = z
  .strictObject({
    skill_id: text('Skill.'),
    output: text('The archive.'),
    bytes: z.int().min(0).describe('Its size in bytes.'),
    sha256: text('Of the archive.'),
    files: z.array(z.string()).describe('What is in it.'),
    written: z.boolean().describe('False if it lay there already, with the same bytes.'),
  })
  .describe('A skill as one file.')
export type SkillsExportOutput = z.infer<typeof SkillsExport>
