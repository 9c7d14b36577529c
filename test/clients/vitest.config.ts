import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The suite with real harness clients. They are large, so it is apart from the default suite and installs what it needs. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/clients/**/*.test.ts'],
    exclude: ['node_modules/**', '.clients/**'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})
