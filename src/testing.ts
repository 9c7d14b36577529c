/** `millrace/testing`: certifies an adapter. docs/authoring.md shows how; a snapshot test shows any change. */
export { BEHAVIOURS, type Behaviour, type Place, type Seen } from './testing/behaviours.ts'
export {
  type Asked,
  conformance,
  conformanceTable,
  type Prepared,
  type Row,
  type Subject,
} from './testing/conformance.ts'
export { moduleRunner } from './testing/module-runner.ts'
export type { SingleTurn, Turn } from './testing/turns.ts'
