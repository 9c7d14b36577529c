/**
 * What an agent of the Agent Client Protocol lets its client choose for a session. Agents of today offer models and modes
 * in two shapes: as `configOptions` of a category, or as `models` and `modes` of their own.
 */
import type { PermissionLevel } from '../../core/stage.ts'
import { type Fields, fieldsOf, textOf } from '../fields.ts'
import { listOf } from './tool-calls.ts'

export type Category = 'model' | 'mode' | 'thought_level'

/** One thing to choose. */
interface Offer {
  current: string | null
  values: { id: string; name: string | null }[]
  method: string
  params(id: string): Fields
}

/** Null if the agent leaves no choice. `session` is the answer to `session/new` or `session/load`. */
export function offerOf(session: Fields, category: Category): Offer | null {
  const option = listOf(session.configOptions).find((own) => own.category === category && own.type === 'select')
  if (option !== undefined) {
    // Options may come in groups, which hold options in turn.
    const values = listOf(option.options).flatMap((own) => (Array.isArray(own.options) ? listOf(own.options) : [own]))
    return {
      current: textOf(option.currentValue),
      values: valuesOf(values, 'value'),
      method: 'session/set_config_option',
      params: (id) => ({ configId: option.id, value: id }),
    }
  }
  const models = category === 'model' ? fieldsOf(session.models) : null
  if (models !== null) {
    return {
      current: textOf(models.currentModelId),
      values: valuesOf(listOf(models.availableModels), 'modelId'),
      method: 'session/set_model',
      params: (id) => ({ modelId: id }),
    }
  }
  const modes = category === 'mode' ? fieldsOf(session.modes) : null
  if (modes === null) return null
  return {
    current: textOf(modes.currentModeId),
    values: valuesOf(listOf(modes.availableModes), 'id'),
    method: 'session/set_mode',
    params: (id) => ({ modeId: id }),
  }
}

const valuesOf = (values: Fields[], idName: string): Offer['values'] =>
  values.flatMap((value) => {
    const id = textOf(value[idName])
    return id === null ? [] : [{ id, name: textOf(value.name) }]
  })

/** The id of what was asked for by id or by name; null if it is not offered. */
export function idOffered({ current, values }: Offer, wanted: string): string | null {
  if (current === wanted) return wanted // in use, though the list may not have it
  return values.find(({ id }) => id === wanted)?.id ?? values.find(({ name }) => name === wanted)?.id ?? null
}

/**
 * Modes by the name an agent gives itself, for agents that would otherwise not ask us before they act, or refuse their
 * own work without asking. An agent that is not named here keeps the mode its own settings say.
 */
const MODES: Readonly<Record<string, Readonly<Record<PermissionLevel, string>>>> = {
  // Its default is read-only; in `auto` it writes in the workspace only, by a sandbox of its own.
  'codex-acp': { basic: 'auto', elevated: 'full-access', maximum: 'full-access' },
  '@agentclientprotocol/claude-agent-acp': { basic: 'default', elevated: 'default', maximum: 'default' },
  'gemini-cli': { basic: 'default', elevated: 'default', maximum: 'default' },
}

/** The mode in which an agent holds to a level; null if its own mode is to stay. */
export const modeFor = (agent: string | null, level: PermissionLevel): string | null =>
  agent !== null && Object.hasOwn(MODES, agent) ? MODES[agent]![level] : null
