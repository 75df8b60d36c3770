import { MkError } from '../base/errors.js'

type Step = { field: string } | { index: number } | { all: true }

/**
 * The common part of kubectl's JSONPath templates: text, `{.a.b}`, `{.a[0]}`, `{.a[-1]}`, `{.a[*].b}`, `{.a['x.y']}`,
 * `{"text"}`. Results of one expression are separated by a space; a missing field gives nothing.
 */
export function evaluateJsonPath(template: string, object: unknown): string {
  const text = template.includes('{') ? template : `{${template}}`
  return text.replace(/\{([^}]*)\}/g, (_, expression: string) => evaluate(expression.trim(), object))
}

function evaluate(expression: string, object: unknown): string {
  const literal = /^"(.*)"$|^'(.*)'$/s.exec(expression)
  if (literal) return (literal[1] ?? literal[2] ?? '').replace(/\\n/g, '\n').replace(/\\t/g, '\t')
  const results = parsePath(expression).reduce<unknown[]>(
    (values, step) => values.flatMap((v) => follow(v, step)),
    [object]
  )
  return results.map((v) => (typeof v === 'string' ? v : JSON.stringify(v))).join(' ')
}

function parsePath(expression: string): Step[] {
  const steps: Step[] = []
  let rest = expression.replace(/^[$@]/, '')
  while (rest) {
    const match =
      /^\.((?:\\.|[A-Za-z0-9_/-])+)|^\[(-?\d+)\]|^(\[\*\]|\.\*)|^\['([^']+)'\]/.exec(rest) ??
      refuse(expression)
    const [whole, field, index, all, quoted] = match
    if (all !== undefined) steps.push({ all: true })
    else if (index !== undefined) steps.push({ index: Number(index) })
    else steps.push({ field: quoted ?? (field ?? '').replace(/\\(.)/g, '$1') })
    rest = rest.slice(whole.length)
  }
  return steps
}

function refuse(expression: string): never {
  throw new MkError('MK_UNSUPPORTED', `jsonpath {${expression}} is more than mk understands`, {
    hint: 'mk has fields, [N] and [*]; for filters and ranges use kubectl with the kubeconfig of `mk kubeconfig --path`'
  })
}

function follow(value: unknown, step: Step): unknown[] {
  if (value === null || typeof value !== 'object') return []
  if ('all' in step) return Object.values(value)
  const key = 'index' in step ? indexIn(value, step.index) : step.field
  return Object.hasOwn(value, key) ? [(value as Record<string, unknown>)[key]] : []
}

const indexIn = (value: object, index: number): string =>
  String(index < 0 && Array.isArray(value) ? value.length + index : index)
