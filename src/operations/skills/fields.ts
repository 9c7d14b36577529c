/** Fields that several verbs on skills have. */
import type { InputField } from '../../core/operation.ts'

export const skillField: InputField = {
  name: 'skill_id',
  type: 'text',
  positional: true,
  required: true,
  placeholder: 'ID',
  description: 'Skill, or its folder below skills/.',
}
