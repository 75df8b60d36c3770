import { namespaces as namespaceKind } from '../api/kinds/namespaces.js'
import { serviceAccounts as serviceAccountKind } from '../api/kinds/service-accounts.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { isNamespaceTerminating } from './support/create-pods.js'

const name = 'default'

/** Keeps a ServiceAccount `default` in every namespace (upstream: pkg/controller/serviceaccount). */
export const serviceAccountController: ControllerFactory = ({ client, informers }) => {
  const namespaces = informers.of(namespaceKind)
  const accounts = informers.of(serviceAccountKind)
  return {
    name: 'serviceaccount',

    watch(queue) {
      return [
        namespaces.onChange(({ type, object }) => {
          if (type === 'added') queue.add(object.metadata.name)
        }),
        accounts.onChange(({ type, object: { metadata } }) => {
          if (type === 'deleted' && metadata.name === name && metadata.namespace)
            queue.add(metadata.namespace)
        })
      ]
    },

    async reconcile(namespace) {
      const owner = namespaces.get(namespace)
      if (owner?.status?.phase === 'Terminating' || !owner || accounts.get(`${namespace}/${name}`))
        return undefined
      try {
        await client.of(serviceAccountKind).create({ metadata: { name, namespace } })
      } catch (error) {
        if (!isReason(error, 'AlreadyExists', 'NotFound') && !isNamespaceTerminating(error)) throw error
      }
      return undefined
    }
  }
}
