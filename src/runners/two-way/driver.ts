#!/usr/bin/env node
/**
 * The driver: a program of its own between the keeper and a harness that needs a living partner (two-way.ts). Nothing
 * imports it; it is bundled beside the runtime. `driver.js '<DriverOptions>' -- <program> <args…>`, the prompt on stdin,
 * the event log on stdout. TERM reaches it alone, because the program has a group of its own: so it can be polite.
 */
import { text } from 'node:stream/consumers'
import { systemClock } from '../../engine/clock.ts'
import { type AcpSettings, acpProtocol } from '../acp/protocol.ts'
import { piProtocol } from '../pi/protocol.ts'
import { spawnPartner } from '../process.ts'
import { drive } from './drive.ts'
import type { DriverOptions, Protocol } from './protocol.ts'

const USAGE_STATUS = 2
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

const PROTOCOLS: Readonly<Record<DriverOptions['protocol'], (settings: Record<string, unknown>) => Protocol>> = {
  pi: piProtocol,
  acp: (settings) => acpProtocol(settings as unknown as AcpSettings),
}

const complain = (sentence: string): void => {
  process.stderr.write(`driver: ${sentence}.\n`)
}

async function main([optionsText = '', dashes, program, ...args]: string[]): Promise<number> {
  if (dashes !== '--' || program === undefined) {
    complain('it is started by millrace, as: driver OPTIONS -- PROGRAM [ARGUMENT…]')
    return USAGE_STATUS
  }
  const options = JSON.parse(optionsText) as DriverOptions
  const protocol = PROTOCOLS[options.protocol](options.settings)
  let refusal: Error | null = null
  process.stdout.on('error', (error) => {
    refusal = error
  })
  const prompt = await text(process.stdin)
  const driven = drive({
    program: spawnPartner(program, args),
    protocol,
    prompt,
    startMs: options.startMs,
    clock: systemClock,
    print(line) {
      if (refusal !== null) throw refusal
      process.stdout.write(`${line}\n`)
    },
    complain,
  })
  for (const signal of SIGNALS) process.on(signal, driven.abort)
  return driven.ended
}

process.on('uncaughtException', (error) => {
  complain(`it failed: ${error.message}`)
  process.exit(1) // the program loses its stdin, and the sweep ends what is left
})
main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: Error) => {
    complain(error.message)
    process.exit(USAGE_STATUS)
  },
)
