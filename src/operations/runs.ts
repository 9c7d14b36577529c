import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const ls: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'runs ls',
  flavour: 'read',
  summary: 'runs ls.',
  description: 'runs ls.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const show: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'runs show',
  flavour: 'read',
  summary: 'runs show.',
  description: 'runs show.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const trace: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'runs trace',
  flavour: 'read',
  summary: 'runs trace.',
  description: 'runs trace.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const tail: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'runs tail',
  flavour: 'read',
  summary: 'runs tail.',
  description: 'runs tail.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
