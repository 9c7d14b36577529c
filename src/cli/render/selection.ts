/** How it reads who set what a node runs with. */
import type { SelectionExplanation } from '../../operations/schemas/selection.ts'

/** `runner: config, model: mode x`, of what is neither a default nor what the kind of stage brings. */
export const setBy = (explanations: SelectionExplanation): string =>
  explanations
    .filter(({ origin }) => origin !== 'default' && origin !== 'stage kind')
    .map(({ key, origin }) => `${key.replace(/_(name|level|path|seconds)$/, '')}: ${origin}`)
    .join(', ')
