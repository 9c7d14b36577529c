import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const version: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'version',
  flavour: 'read',
  summary: 'version.',
  description: 'version.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
