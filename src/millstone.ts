#!/usr/bin/env node
/** `millstone`, the tasklist executor. */
import { arrivesLater } from './cli/later.ts'

process.exitCode = arrivesLater('millstone', process.argv.slice(2))
