import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const status: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'status',
  flavour: 'read',
  summary: 'status.',
  description: 'status.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
