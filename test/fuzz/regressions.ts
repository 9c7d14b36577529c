/** Inputs that once broke the law of a parser, as small as they were found. */

interface Regression {
  /** Name in parsers.ts. */
  parser: string
  input: string | Uint8Array
  /** What happened. */
  was: string
}

const json = (value: unknown): string => JSON.stringify(value)
const snapshotWith = (members: object): string => json({ schema_version: '2.0', kind: 'runtime_snapshot', ...members })

export const REGRESSIONS: readonly Regression[] = [
  {
    was: 'a step named like a member of every object was called',
    parser: 'scripted replies',
    input:
      '{"schema_version":"1.0","kind":"scripted_replies","replies":[{"stage":"*","outcome":null,"steps":[{"__proto__":{}}]}]}',
  },
  {
    was: 'a step named constructor was taken for one',
    parser: 'scripted replies',
    input:
      '{"schema_version":"1.0","kind":"scripted_replies","replies":[{"stage":"*","outcome":null,"steps":[{"constructor":1}]}]}',
  },
  {
    was: 'an artifact with NUL in its name threw out of the disk',
    parser: 'result file of a stage',
    input: json({ terminal_result: 'BUILDER_COMPLETE', artifacts: ['a\0b'] }),
  },
  {
    was: 'an artifact with a name longer than a path threw out of the disk',
    parser: 'result file of a stage',
    input: json({ terminal_result: 'BUILDER_COMPLETE', artifacts: ['a/'.repeat(5000)] }),
  },
  {
    was: 'a summary of megabytes made a transaction too large to be written',
    parser: 'result file of a stage',
    input: json({ terminal_result: 'BUILDER_COMPLETE', summary: '"'.repeat(2_000_000) }),
  },
  {
    was: 'a kind of item that is an object was called',
    parser: 'payload of the command retry_work_item',
    input: json({ work_item_id: 'T-1', work_item_kind: { toString: 1 }, reason: 'because' }),
  },
  {
    was: 'an agent handle without a time gave a stage no deadline',
    parser: 'runner invocation',
    input: json({ command: ['codex'], emitted_at: 'some day' }),
  },
  { was: 'a list with nothing in a place was taken', parser: 'runtime snapshot', input: snapshotWith({}) },
  {
    was: 'a version named like a member of every object was called',
    parser: 'runtime snapshot',
    input: json({ schema_version: '__proto__', kind: 'runtime_snapshot' }),
  },
  {
    was: 'a counter that is null was taken',
    parser: 'recovery counters',
    input: json({ schema_version: '2.0', kind: 'recovery_counters', entries: [null] }),
  },
  {
    was: 'a plan with nothing in it was put in force',
    parser: 'compiled plan',
    input: json({ schema_version: '2.0', kind: 'compiled_run_plan' }),
  },
  {
    was: 'a manifest whose entries are no list threw',
    parser: 'baseline manifest',
    input: json({ entries: [null] }),
  },
  {
    was: 'a log torn inside a character was followed on from elsewhere',
    parser: 'event log',
    input: Buffer.concat([Buffer.from('{}\n{"a":"'), Uint8Array.of(0xe2, 0x80)]),
  },
  {
    was: 'an event without data was shown',
    parser: 'event log',
    input: `${json({ schema_version: '1.0', kind: 'runtime_event', event_type: 'x', occurred_at: 'y' })}\n`,
  },
  { was: 'a line that is null was a transition', parser: 'transition history', input: 'null\n' },
  {
    was: 'numbers could not be written into the archive in less than three times the room',
    parser: 'command file in the mailbox',
    input: `{"kind":"mailbox_command","command":"x","command_id":"y","payload":{"a":[${'1,'.repeat(900_000)}1]}}`,
  },
  {
    was: 'a payload nested deep could be read and not be written',
    parser: 'command file in the mailbox',
    input: `{"kind":"mailbox_command","command":"x","command_id":"y","payload":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
  },
  {
    was: 'a command with a name of megabytes was quoted until its refusal was too large to be written',
    parser: 'command file in the mailbox',
    input: json({ kind: 'mailbox_command', command: '"'.repeat(900_000), command_id: 'y', payload: {} }),
  },
  {
    was: 'thousands of unknown keys were all named',
    parser: 'millrace.toml',
    input: Array.from({ length: 50_000 }, (_, index) => `k${index} = 1\n`).join(''),
  },
  {
    was: 'a key that stands for the prototype was not seen',
    parser: 'override of a key',
    input: '__proto__.x=1',
  },
  {
    was: 'thousands of wrong criteria were all named',
    parser: 'verdict',
    input: json({ criteria: Array.from({ length: 50_000 }, () => null) }),
  },
  {
    was: 'thousands of unknown keys were thousands of findings',
    parser: 'mode',
    input: json(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 1]))),
  },
  {
    was: 'ten warnings of a megabyte were kept in the stage result',
    parser: 'codex event stream',
    input: `${json({ type: 'item.completed', item: { type: 'error', message: 'w'.repeat(900_000) } })}\n`.repeat(2),
  },
  {
    was: 'a sum of counts was no exact number any more',
    parser: 'codex token usage',
    input: json({ type: 'turn.completed', usage: { input_tokens: 9007199254740991, output_tokens: 1 } }),
  },
]
