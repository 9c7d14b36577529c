#!/usr/bin/env node
/** The composition root of `millrace`: builds the ports, hands them to the command line, and ends the process. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from './cli/main.ts'

const here = path.dirname(fileURLToPath(import.meta.url))

process.exitCode = await main(process.argv.slice(2), { packageRoot: path.join(here, '..', 'assets'), dist: here })
