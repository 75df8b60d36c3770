import type { Ingress, IngressClass } from '../../api/types.js'
import type { AdmissionPlugin } from './admission.js'
import type { ObjectReader } from './reader.js'

const group = 'networking.k8s.io'
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'
const oldAnnotation = 'kubernetes.io/ingress.class'

/** An Ingress that names no class gets the default one (plugin DefaultIngressClass). */
export function defaultIngressClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    mutate: ({ operation, kind, object }) => {
      if (operation !== 'CREATE' || kind.group !== group || kind.kind !== 'Ingress') return
      const ingress = object as Ingress
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[oldAnnotation])
        return
      const [first] = reader
        .list<IngressClass>({ group, kind: 'IngressClass' })
        .filter((one) => one.metadata.annotations?.[defaultAnnotation] === 'true')
        .sort(newestFirst)
      if (first) ingress.spec = { ...ingress.spec, ingressClassName: first.metadata.name }
    }
  }
}

/** Of several default classes the newest counts, then the first by name. */
function newestFirst(a: IngressClass, b: IngressClass): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (left !== right) return left > right ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}
