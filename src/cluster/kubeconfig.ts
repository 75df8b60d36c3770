import { renameSync, writeFileSync } from 'node:fs'
import type { ClusterPki } from '../apiserver/pki/pki.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')

/**
 * Writes the administrator's kubeconfig, one value a line: one cluster, user and context, named after the cluster.
 * Replaced in one step, so that a reader never sees half of it; mode 0600.
 */
export function writeKubeconfig(options: {
  path: string
  name: string
  server: string
  pki: ClusterPki
}): void {
  const { path, name, server, pki } = options
  const text = `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(pki.ca)}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(pki.admin.cert)}
    client-key-data: ${base64(pki.admin.key)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
current-context: ${name}
`
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
