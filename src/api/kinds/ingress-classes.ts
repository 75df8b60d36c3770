import { ageColumn, column, nameColumn } from '../columns.js'
import type { IngressClass } from '../types.js'
import { fieldErrors, immutable, invalidAll } from '../validation/field-errors.js'
import { qualifiedNameProblems } from '../validation/names.js'
import { defineKind } from './define-kind.js'

function parameters(object: IngressClass): string {
  const reference = object.spec.parameters
  if (!reference) return '<none>'
  return `${reference.kind}${reference.apiGroup ? `.${reference.apiGroup}` : ''}/${reference.name}`
}

export const ingressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  applyDefaults: (object) => {
    object.spec ??= {}
    if (object.spec.parameters) object.spec.parameters.scope ??= 'Cluster'
  },
  validate: ({ spec }, old) => [
    ...(spec.controller
      ? [
          ...(spec.controller.includes('/')
            ? []
            : [
                fieldErrors.invalid(
                  'spec.controller',
                  spec.controller,
                  'must be a domain-prefixed path (such as "acme.io/foo")'
                )
              ]),
          ...invalidAll(
            'spec.controller',
            spec.controller,
            qualifiedNameProblems(spec.controller.replace(/^([^/]*\/).*\//, '$1'))
          )
        ]
      : [fieldErrors.required('spec.controller')]),
    ...(old ? immutable(spec.controller, old.spec.controller, 'spec.controller') : [])
  ],
  warnings: ({ spec }) =>
    spec.controller === 'mk.dev/ingress' && spec.parameters
      ? ["spec.parameters: mk's ingress takes no parameters"]
      : [],
  columns: [
    nameColumn,
    column('Controller', (object) => object.spec.controller ?? ''),
    column('Parameters', parameters),
    ageColumn
  ]
})
