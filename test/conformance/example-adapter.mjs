// The adapter of `example-agent`, which reads a prompt on stdin and prints one JSON object a line.
const VARIABLES = { env: {}, envPass: [], envPrefixes: ['EXAMPLE_'] }

export default ({ name, probe, failureOf }) => ({
  name,
  output: 'events',

  command(request) {
    if ((request.permission_level ?? 'maximum') !== 'maximum') {
      return { refused: `${name} can be held to no level but maximum.`, cause: 'refused_permission' }
    }
    const model = request.model_name === null ? [] : ['--model', request.model_name]
    return { argv: ['example-agent', ...model], ...VARIABLES }
  },

  transcript() {
    let session = null
    let message = null
    let error = null
    let used = null
    return {
      line({ text, truncated }) {
        const event = truncated ? {} : parsed(text)
        if (event.type === 'session') session = event.id
        if (event.type === 'usage') used = event
        if (event.type === 'error') error = event.text
        if (event.type === 'message') {
          message = event.text
          return [{ event: 'message', text: event.text.slice(0, 500) }]
        }
        if (event.type === 'tool') return [{ event: 'tool_started', id: null, tool: 'shell', detail: event.text }]
        return []
      },
      usage: () => used && usageOf(used),
      findings: ({ exitCode, stderr, at }) => {
        const failed = error ?? (exitCode === 0 ? null : stderr)
        const failure = failed && failureOf(failed, at)
        return { finalMessage: message, usage: used && usageOf(used), sessionId: session, failure, notes: [] }
      },
    }
  },

  probe: () => probe({ program: 'example-agent', versionArgs: ['--version'], remedy: 'install it', ...VARIABLES }),
})

const usageOf = ({ input, cached, output }) => ({
  ...{ input_tokens: input, cached_input_tokens: cached, output_tokens: output },
  ...{ thinking_tokens: 0, total_tokens: input + output },
})

function parsed(text) {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {} // a warning among the events
  }
}
