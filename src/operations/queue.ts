import type { Operation } from '../core/operation.ts'
import type { Context } from './context.ts'

export const ls: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue ls',
  flavour: 'read',
  summary: 'queue ls.',
  description: 'queue ls.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const show: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue show',
  flavour: 'read',
  summary: 'queue show.',
  description: 'queue show.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const addTask: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue add-task',
  flavour: 'change',
  summary: 'queue add-task.',
  description: 'queue add-task.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const addSpec: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue add-spec',
  flavour: 'change',
  summary: 'queue add-spec.',
  description: 'queue add-spec.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const addIdea: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue add-idea',
  flavour: 'change',
  summary: 'queue add-idea.',
  description: 'queue add-idea.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const retry: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue retry',
  flavour: 'change',
  summary: 'queue retry.',
  description: 'queue retry.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}

export const cancel: Operation<Context, Record<string, unknown>, Record<string, unknown>> = {
  name: 'queue cancel',
  flavour: 'change',
  summary: 'queue cancel.',
  description: 'queue cancel.',
  input: [],
  examples: [],
  output: async () => (await import('./schemas.ts')).schemaSchema(),
  async run() {
    return {}
  },
}
