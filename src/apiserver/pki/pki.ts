import type { KeyObject } from 'node:crypto'

/** A certificate and its key, PEM. */
export interface KeyPair {
  cert: string
  key: string
}

/** The trust of one cluster: its own authority, and what is signed by it. */
export interface ClusterPki {
  /** PEM of the cluster's authority. */
  readonly ca: string
  /** What the API server presents now. */
  readonly server: KeyPair
  /** Client certificate of the administrator: user `kubernetes-admin`, group `system:masters`. */
  readonly admin: KeyPair
  /** Signs and verifies service account tokens (ES256). */
  readonly tokenKey: { readonly privateKey: KeyObject; readonly publicKey: KeyObject; readonly id: string }
  /** A token that stands for the administrator. */
  readonly adminToken: string
  /** Makes sure that the server's certificate covers these too; true if it was issued anew. */
  ensureServerNames(names: { hostnames?: readonly string[]; addresses?: readonly string[] }): Promise<boolean>
  /** Issues a client certificate of the user and groups, for parts outside of the daemon. */
  issueClient(options: { user: string; groups: readonly string[] }): Promise<KeyPair>
}
