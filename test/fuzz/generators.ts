/**
 * Bytes that no parser asked for: plain noise, valid examples with something done to them, and JSON of the right shape
 * with a wrong value in one place. All of it shrinks.
 */
import fc from 'fast-check'

/** What is put into a text to upset its reader. */
const PIECES: readonly (string | Uint8Array)[] = [
  '\0',
  '\u0001',
  '\u001b[31m',
  '\u007f',
  '\uFEFF',
  '\u2028',
  '\u0085',
  '\r',
  '\r\n',
  '\n',
  '\n\n',
  '\t',
  ' ',
  '"',
  "'",
  '"""',
  '{',
  '}',
  '[',
  ']',
  '[[',
  ',',
  ':',
  ': ',
  '=',
  '\\',
  '\\u0000',
  '\\ud800',
  '1e999',
  '-0',
  'NaN',
  'null',
  'true',
  '__proto__',
  'constructor',
  '# ',
  '- ',
  '### ',
  'Task-ID: x\n',
  'Title: y\n',
  'Depends-On:\n- z\n',
  '../../x',
  '9999-99-99T99:99:99Z',
  'try again in 9 days',
  'at Feb 30th, 9999 11:59 PM',
  '\u{1F600}',
  'e\u0301',
  Uint8Array.of(0xff, 0xfe),
  Uint8Array.of(0xc0, 0xaf),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xe2, 0x80),
]

/** JSON texts that stand where something else was expected. */
const VALUES: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '9007199254740993',
  '""',
  '"x"',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\n# x\\n"',
  '"../../../etc/x"',
  '"/"',
  '"__proto__"',
  '"constructor"',
  '"2026-02-31T25:61:61Z"',
  '"99999-01-01"',
  `"${'x'.repeat(5000)}"`,
  `"${'\\"'.repeat(500)}"`,
  '[]',
  '[null]',
  '[0]',
  '[[]]',
  '[{}]',
  `[${'0,'.repeat(999)}0]`,
  '{}',
  '{"a":null}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"hasOwnProperty":1}',
  '{"a":1,"a":2}',
  `${'['.repeat(300)}${']'.repeat(300)}`,
  `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`,
]

const NAMES: readonly string[] = ['__proto__', 'constructor', 'toString', '', '*', 'a.b', 'x'.repeat(300), '\u0000']

type Change =
  | { do: 'flip'; at: number; bit: number }
  | { do: 'cut'; at: number; length: number }
  | { do: 'copy'; at: number; length: number; to: number; times: number }
  | { do: 'insert'; at: number; piece: string | Uint8Array }

const place = fc.nat(1_000_000)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ do: fc.constant('cut' as const), at: place, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({
    do: fc.constant('copy' as const),
    at: place,
    length: fc.integer({ min: 1, max: 200 }),
    to: place,
    times: fc.constantFrom(1, 1, 2, 40),
  }),
  fc.record({ do: fc.constant('insert' as const), at: place, piece: fc.constantFrom(...PIECES) }),
)

function applied(bytes: Uint8Array, change: Change): Uint8Array {
  const at = change.at % (bytes.length + 1)
  switch (change.do) {
    case 'flip': {
      const flipped = Uint8Array.from(bytes)
      if (at < flipped.length) flipped[at]! ^= 1 << change.bit
      return flipped
    }
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + change.length)])
    case 'copy': {
      const to = change.to % (bytes.length + 1)
      const copies = new Array<Uint8Array>(change.times).fill(bytes.subarray(at, at + change.length))
      return Buffer.concat([bytes.subarray(0, to), ...copies, bytes.subarray(to)])
    }
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(change.piece as string), bytes.subarray(at)])
  }
}

/** A valid example with up to six things done to it. */
export function mutated(examples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...examples), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([example, changes]) => changes.reduce(applied, example))
}

const HOLE = '@@hole@@'

/** The paths of all members of a JSON value. */
function pathsOf(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (value === null || typeof value !== 'object') return [at]
  const members = Array.isArray(value) ? value.map((one, index) => [index, one] as const) : Object.entries(value)
  return [at, ...members.flatMap(([name, member]) => pathsOf(member, [...at, name]))]
}

function withMember(value: unknown, [name, ...rest]: readonly (string | number)[], renamed: string | null): unknown {
  if (name === undefined) return HOLE
  if (Array.isArray(value)) return value.map((one, index) => (index === name ? withMember(one, rest, renamed) : one))
  const entries = Object.entries(value as object).flatMap(([key, member]): [string, unknown][] => {
    if (key !== name) return [[key, member]]
    if (rest.length > 0) return [[key, withMember(member, rest, renamed)]]
    return renamed === null ? [[key, HOLE]] : [[renamed, member]]
  })
  return Object.fromEntries(entries)
}

/** A JSON example with one or two members replaced, renamed or taken out. Nothing for examples that are not JSON. */
export function misshapen(examples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> | null {
  const values = examples.flatMap((bytes) => {
    try {
      return [JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown]
    } catch {
      return []
    }
  })
  if (values.length === 0) return null
  const slip = fc.record({
    at: fc.nat(100_000),
    value: fc.constantFrom(...VALUES),
    rename: fc.option(fc.constantFrom(...NAMES), { freq: 6 }),
  })
  return fc.tuple(fc.constantFrom(...values), fc.array(slip, { minLength: 1, maxLength: 2 })).map(([value, slips]) => {
    let text = JSON.stringify(value)
    for (const { at, value: replacement, rename } of slips) {
      let parsed: unknown
      try {
        parsed = JSON.parse(text)
      } catch {
        break // a repeated key or a number out of range is the end of it
      }
      const paths = pathsOf(parsed)
      text = JSON.stringify(withMember(parsed, paths[at % paths.length]!, rename)).replace(
        `"${HOLE}"`,
        () => replacement,
      )
    }
    return Buffer.from(text)
  })
}

const noise = fc.uint8Array({ maxLength: 200 })
const unicode = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text))
const pieces = fc
  .array(fc.constantFrom(...PIECES, ...VALUES), { maxLength: 30 })
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))))
const json = fc.jsonValue({ maxDepth: 4 }).map((value) => Buffer.from(JSON.stringify(value)))

/** Everything a parser with these valid examples may meet. */
export function anyBytes(examples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const wrongMembers = misshapen(examples)
  return fc.oneof(
    { arbitrary: noise, weight: 1 },
    { arbitrary: unicode, weight: 1 },
    { arbitrary: pieces, weight: 2 },
    { arbitrary: json, weight: 1 },
    { arbitrary: mutated(examples), weight: 5 },
    ...(wrongMembers === null ? [] : [{ arbitrary: wrongMembers, weight: 8 }]),
  )
}

/** Units that, repeated up to a megabyte, have made many a parser slow or sick. */
export const REPEATED: readonly string[] = [
  'a',
  ' ',
  '\t',
  '\n',
  '\r',
  '\r\n',
  ' \n',
  '-',
  '- \n',
  '- a\n',
  '#',
  '# ',
  '### A\n',
  '.',
  ':',
  'a:',
  'a: b\n',
  'Tags:\n',
  'Tags:\n- a\n\n',
  'Task-ID: x\n',
  '[',
  '[[',
  '{',
  '{"a":',
  '[],',
  '"',
  '\\',
  '\\"',
  '\\u0000',
  '0',
  '1',
  '9.',
  '1e',
  '=',
  'a.',
  '[a]\n',
  '[[a]]\n',
  'a=1\n',
  'in 1 ',
  'try again in ',
  'try again at ',
  'stream ',
  '5\n',
  '0,',
  '{},',
  'null\n',
  '{}\n',
  '"\n',
  '\u0000',
  '\u2028',
  '\u00e9',
  '\u{1F600}',
]
