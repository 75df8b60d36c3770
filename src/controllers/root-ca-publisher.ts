import { configMaps as configMapKind } from '../api/kinds/config-maps.js'
import { namespaces as namespaceKind } from '../api/kinds/namespaces.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { isNamespaceTerminating } from './support/create-pods.js'
import { semanticEqual } from './support/equal.js'

const name = 'kube-root-ca.crt'
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the ' +
    'internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes ' +
    'clusters.'
}

/** Keeps ConfigMap `kube-root-ca.crt` in every namespace (upstream: pkg/controller/certificates/rootcacertpublisher). */
export const rootCaPublisher: ControllerFactory = ({ client, informers, rootCaPem }) => {
  const namespaces = informers.of(namespaceKind)
  const configMaps = informers.of(configMapKind)
  const data = { 'ca.crt': rootCaPem }
  return {
    name: 'root-ca-certificate-publisher',

    watch(queue) {
      return [
        namespaces.onChange(({ type, object }) => {
          if (type === 'added') queue.add(object.metadata.name)
        }),
        configMaps.onChange(({ type, object: { metadata } }) => {
          if (type !== 'added' && metadata.name === name && metadata.namespace) queue.add(metadata.namespace)
        })
      ]
    },

    async reconcile(namespace) {
      const owner = namespaces.get(namespace)
      if (!owner || owner.status?.phase === 'Terminating') return undefined
      const current = configMaps.get(`${namespace}/${name}`)
      const configMap = client.of(configMapKind)
      try {
        if (!current) await configMap.create({ metadata: { name, namespace, annotations }, data })
        else if (!semanticEqual(current.data, data)) await configMap.update({ ...current, data })
      } catch (error) {
        if (!isReason(error, 'AlreadyExists', 'NotFound') && !isNamespaceTerminating(error)) throw error
      }
      return undefined
    }
  }
}
