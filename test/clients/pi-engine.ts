/** The real Pi in a scene: a throw-away home whose only provider is the scripted model. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from './install.ts'
import { type Prepare, type Scene, type SceneOptions, scenes } from './scene.ts'
import type { Script } from './script.ts'

export const PI_KEY = 'sk-test-of-pi'

/** Dollars for a million tokens. */
export const PRICE = { input: 1000, output: 2000, cacheRead: 100, cacheWrite: 0 }

const MODEL = { id: 'stub-model', contextWindow: 128_000, maxTokens: 8192, cost: PRICE }

export const preparedPi =
  (pi: Client): Prepare =>
  (home, url) => {
    const folder = join(home, '.pi/agent')
    mkdirSync(folder, { recursive: true })
    const provider = {
      baseUrl: `${url}/v1`,
      api: 'openai-completions',
      apiKey: PI_KEY,
      compat: { supportsDeveloperRole: false, supportsReasoningEffort: false },
      models: [MODEL],
    }
    writeFileSync(join(folder, 'models.json'), JSON.stringify({ providers: { stub: provider } }))
    writeFileSync(
      join(folder, 'settings.json'),
      JSON.stringify({ defaultProvider: 'stub', defaultModel: 'stub-model' }),
    )
    return {
      environment: { PI_OFFLINE: '1', PI_TELEMETRY: '0' },
      settings: {
        'runtime.default_mode': 'default_pi',
        'runners.pi.command': pi.available ? pi.command : 'pi',
        'runners.pi.provider': 'stub',
      },
    }
  }

/** Like `scenes`, with Pi as the only harness. */
export function piScenes(pi: Client): (script: Script, options?: SceneOptions) => Promise<Scene> {
  const open = scenes()
  return (script, options) => open(script, [preparedPi(pi)], options)
}
