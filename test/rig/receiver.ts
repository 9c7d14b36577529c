/** A real HTTP server on loopback that is notified, and remembers of what. */
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  method: string
  path: string
  headers: http.IncomingHttpHeaders
  body: Record<string, unknown>
}

/** What it answers the nth request with, from 1: a status, headers beside it, or nothing at all. */
export type Answer = (number: number) => number | { status: number; headers: Record<string, string> } | 'nothing'

export class Receiver {
  readonly received: Received[] = []
  private readonly server: http.Server
  answer: Answer

  /** `port`: one that was in use before; else whichever is free. */
  static async start(answer: Answer = () => 204, port = 0): Promise<Receiver> {
    const receiver = new Receiver(answer)
    await new Promise<void>((resolve, reject) => {
      receiver.server.once('error', reject)
      receiver.server.listen(port, '127.0.0.1', resolve)
    })
    return receiver
  }

  private constructor(answer: Answer) {
    this.answer = answer
    this.server = http.createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
        this.received.push({ method, path: url, headers, body })
        const answer = this.answer(this.received.length)
        if (answer === 'nothing') return
        const { status, headers: more } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
        response.writeHead(status, more).end(status >= 400 ? `no, ${status}` : '')
      })
    })
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/told`
  }

  /** Ids it was told, in order. */
  get ids(): string[] {
    return this.received.map(({ headers }) => String(headers['idempotency-key']))
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }
}
