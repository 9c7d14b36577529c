/** JSON Schemas of what the operations give with `--json`, made from zod schemas. Loaded only when a schema is asked for. */
import * as z from 'zod'

const closed = (shape: z.ZodRawShape): object => z.toJSONSchema(z.strictObject(shape))
const open = (): object => z.toJSONSchema(z.looseObject({}))

export const issuedSchema = (): object => open()
export const initSchema = (): object =>
  closed({ workspace: z.string(), initialized: z.boolean(), created: z.array(z.string()) })
export const runOnceSchema = (): object => open()
export const runDaemonSchema = (): object => open()
export const statusSchema = (): object => open()
export const versionSchema = (): object => open()
export const demoSchema = (): object => open()
export const schemaSchema = (): object => open()
