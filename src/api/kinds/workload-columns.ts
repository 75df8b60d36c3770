import { selectorFromLabelSelector } from '../../base/selectors.js'
import type { LabelSelector, PodTemplateSpec } from '../types.js'

const containers = (template: PodTemplateSpec | undefined) => template?.spec?.containers ?? []

/** Names of the template's containers, with commas. */
export const containerNames = (template: PodTemplateSpec | undefined): string =>
  containers(template)
    .map((container) => container.name)
    .join(',')

export const containerImages = (template: PodTemplateSpec | undefined): string =>
  containers(template)
    .map((container) => container.image ?? '')
    .join(',')

/** `app=hello,tier in (a,b)` (metav1.FormatLabelSelector) */
export function formatSelector(selector: LabelSelector | undefined): string {
  const text = selectorFromLabelSelector(selector).toString()
  return text === '' ? '<none>' : text
}
