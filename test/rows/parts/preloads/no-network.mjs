/** Whatever would leave the process by the network fails, and is noted in NO_NETWORK_LOG. */
import dgram from 'node:dgram'
import dns from 'node:dns'
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const refuse =
  (what) =>
  (...asked) => {
    appendFileSync(process.env.NO_NETWORK_LOG, `${what} ${JSON.stringify(asked[0])}\n`)
    throw new Error(`there is no network: ${what}`)
  }

net.Socket.prototype.connect = refuse('connect')
dgram.createSocket = refuse('datagram')
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) dns[name] = refuse(`dns ${name}`)
syncBuiltinESMExports()
