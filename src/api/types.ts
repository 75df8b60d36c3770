/** The Kubernetes API's types, generated from the published models (see schema/generate.ts). */
export type * from './schema/generated/types.js'
