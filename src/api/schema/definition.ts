/** A property or element type, in OpenAPI v3's words. */
export interface Property {
  description?: string
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  format?: string
  /** Name of another definition. Written as a `$ref` in documents. */
  ref?: string
  items?: Property
  additionalProperties?: Property
  enum?: readonly string[]
  default?: unknown
  listType?: 'atomic' | 'set' | 'map'
  listMapKeys?: readonly string[]
  mapType?: 'atomic' | 'granular'
  /** `merge`, `merge,retainKeys`, `replace`, … */
  patchStrategy?: string
  patchMergeKey?: string
}

/** One type: `io.k8s.api.core.v1.Pod`. Generated from the published models and the facts. */
export interface Definition extends Property {
  properties?: Readonly<Record<string, Property>>
  required?: readonly string[]
  /** Group, version and kind of a type that is sent by itself. */
  groupVersionKind?: { group: string; version: string; kind: string }
}

export type Definitions = Readonly<Record<string, Definition>>

/** Types that are encoded in a way of their own. */
export const wellKnown = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  rawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  time: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
  microTime: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  fieldsV1: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
  patch: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch',
  objectMeta: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
  deleteOptions: 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
  status: 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'
} as const
