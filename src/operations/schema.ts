import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const schema: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'schema',
  flavour: 'read',
  summary: 'schema.',
  description: 'schema.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
