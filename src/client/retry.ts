import type { Clock } from '../base/clock.js'
import { isReason } from '../base/status.js'

/**
 * Runs `operation` again while it fails with Conflict: read the object afresh inside it.
 * Five attempts, 10 ms apart, as client-go's DefaultRetry; the last conflict is thrown.
 */
export async function retryOnConflict<R>(
  clock: Clock,
  operation: () => Promise<R>,
  attempts = 5
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation()
    } catch (error) {
      if (attempt >= attempts || !isReason(error, 'Conflict')) throw error
      await new Promise<void>((resolve) => {
        clock.after(10, resolve)
      })
    }
  }
}
