/** A backend: `namespace/name` of a Service and its port by number or name. */
export interface BackendRef {
  service: string
  port: number | string
}

export interface PathModel {
  /** Empty for a rule without paths: everything. */
  path: string
  type: 'Exact' | 'Prefix'
  backend: BackendRef
}

/** What the ingress proxy knows of one Ingress: plain data. */
export interface IngressModel {
  /** `namespace/name` */
  key: string
  /** RFC 3339: of two Ingresses that claim the same host and path, the older one has it. */
  createdAt: string
  /** Lower case; empty for any host. */
  rules: { host: string; paths: PathModel[] }[]
  defaultBackend: BackendRef | undefined
  tls: { hosts: string[]; secret: string; certificate: string; privateKey: string }[]
  sslRedirect: boolean
}
