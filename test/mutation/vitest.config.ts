import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const LOADS = 'test/mutation/loads.test.ts'

/** Laws and loading everything take longest, and the first test that fails ends the trial of a mutant: so they come last. */
class LongestLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      Number(moduleId.endsWith('.laws.test.ts') || moduleId.endsWith(LOADS))
    return [...files].sort((a, b) => isLong(a) - isLong(b))
  }
}

const BESIDE = ['src/core/**/*.test.ts', 'src/store/{journal*,file-operation/*}.test.ts']

/**
 * The suite that mutants are put to: what lies beside the mutated files, and only that; whole stories are too slow.
 * `MUTATION_TESTS` narrows it to some files: the tests of a module compile a plan before they begin, so that a mutant of
 * the compiler is put to all of them otherwise.
 */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: [...(process.env.MUTATION_TESTS?.split(',') ?? BESIDE), LOADS],
    setupFiles: ['test/mutation/setup.ts'],
    sequence: { sequencer: LongestLast },
    testTimeout: 20_000,
  },
})
