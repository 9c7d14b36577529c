import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const show: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'config show',
  flavour: 'read',
  summary: 'config show.',
  description: 'config show.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const validate: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'config validate',
  flavour: 'read',
  summary: 'config validate.',
  description: 'config validate.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
