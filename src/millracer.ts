#!/usr/bin/env node
/** `millracer`, the ops gateway. */
import { arrivesLater } from './cli/later.ts'

process.exitCode = arrivesLater('millracer', process.argv.slice(2))
