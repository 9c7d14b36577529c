/** Every verb as the command line has it: the operations, and the one verb that is no operation of its own. */
import { WATCH } from '../../../src/cli/spellings.ts'
import { OPERATIONS } from '../../../src/operations/table.ts'

export const ALL_VERBS: readonly string[] = [...OPERATIONS.map((entry) => entry.name), WATCH]
