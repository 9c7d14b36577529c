import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const validate: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'compile validate',
  flavour: 'perform',
  summary: 'compile validate.',
  description: 'compile validate.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const show: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'compile show',
  flavour: 'read',
  summary: 'compile show.',
  description: 'compile show.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const graph: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'compile graph',
  flavour: 'read',
  summary: 'compile graph.',
  description: 'compile graph.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const modesList: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'modes list',
  flavour: 'read',
  summary: 'modes list.',
  description: 'modes list.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const modesShow: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'modes show',
  flavour: 'read',
  summary: 'modes show.',
  description: 'modes show.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
