/** From what a person said of a spec to the whole document. Pure. */
import { newDocument, renderDocument, type WorkDocument } from '../../core/document.ts'
import { idFromTitle } from './task-from-title.ts'

export interface SpecAnswers {
  title: string
  summary: string
  goals: readonly string[]
  constraints: readonly string[]
  acceptance: readonly string[]
  target_paths: readonly string[]
}

/** `now` is the time as ISO text, `seed` what tells this spec from another of the same title. Throws `document_invalid`. */
export function specFromAnswers(
  answers: SpecAnswers,
  now: string,
  seed: string,
): { document: WorkDocument; text: string } {
  const document = newDocument('spec', {
    spec_id: idFromTitle(answers.title, seed, 'spec'),
    ...answers,
    constraints: answers.constraints.length > 0 ? answers.constraints : ['none stated'],
    source_type: 'manual',
    references: [`operator request ${now.slice(0, 10)}`],
    created_at: now,
    created_by: 'operator',
  })
  return { document, text: renderDocument(document) }
}
