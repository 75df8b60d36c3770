import type { FieldError } from '../../base/status.js'
import { statusErrors } from '../../base/status.js'
import type { Core } from '../core.js'
import { runHooks } from '../kind-hooks.js'
import type { AdmissionRequest } from './admission.js'

/**
 * The way in of one write: mutating plugins, defaults once more for what they added, validation, validating plugins,
 * then the write itself. Whatever plugins hold for the request is let go when it is over, stored or not.
 */
export async function settle<T>(
  core: Core,
  request: Omit<AdmissionRequest, 'onFinished'>,
  validate: () => FieldError[],
  write: () => Promise<T>
): Promise<T> {
  const finished: (() => void)[] = []
  const whole: AdmissionRequest = { ...request, onFinished: (callback) => void finished.push(callback) }
  const { kind, object } = request
  try {
    runHooks(core, kind, () => {
      core.admission.mutate(whole)
    })
    const errors = runHooks(core, kind, () => {
      if (object) kind.applyDefaults?.(object)
      return validate()
    })
    if (errors.length > 0) throw statusErrors.invalid(kind, request.name, errors)
    core.admission.validate(whole)
    return await write()
  } finally {
    for (const callback of finished) callback()
  }
}
