/**
 * Leaves out the mutants of text that describes a field or advises an operator, because no decision rests on it: what
 * is given to `.describe(…)`, to a property `description` or `hint`, and to a parameter of one of these names. Nothing
 * else goes by this rule: the sentences that say what is wrong stay counted.
 */
const WORDING = new Set(['description', 'hint'])
const REASON = 'wording on which no decision rests'

const wording = {
  shouldIgnore(path) {
    if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined
    const { parentPath } = path
    if (parentPath.isObjectProperty()) return WORDING.has(parentPath.node.key.name) ? REASON : undefined
    if (!parentPath.isCallExpression() || path.listKey !== 'arguments') return undefined
    const isWording = isDescribe(parentPath.node.callee) || WORDING.has(parameter(parentPath, path.key))
    return isWording ? REASON : undefined
  },
}

/** Under this name Stryker looks for what a plugin file brings. */
export const strykerPlugins = [{ kind: 'Ignore', name: 'wording', value: wording }]

const isDescribe = (callee) => callee.type === 'MemberExpression' && callee.property.name === 'describe'

/** Name of the parameter an argument is for, where a function of the same file is called; else undefined. */
function parameter(call, position) {
  const given = functionNamed(call, call.node.callee)?.params[position]
  return (given?.type === 'AssignmentPattern' ? given.left : given)?.name
}

/** The function an identifier stands for: declared, or an arrow, or the arrow that a call of such an arrow gives. */
function functionNamed(path, callee) {
  if (callee.type !== 'Identifier') return undefined
  const definition = path.scope.getBinding(callee.name)?.path.node
  const value = definition?.type === 'VariableDeclarator' ? definition.init : definition
  if (value?.type === 'CallExpression') return functionNamed(path, value.callee)?.body
  return value?.params ? value : undefined
}
