/** The script itself, on a terminal too: it is what one looks at before trusting it. */
import type { CompletionOutput } from '../../operations/schemas/docs.ts'

export const completion = (output: CompletionOutput): string => output.script
