import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const doctor: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'doctor',
  flavour: 'read',
  summary: 'doctor.',
  description: 'doctor.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
