import { createHash } from 'node:crypto'
import type { Container } from '../api/types.js'

/** Changes when a running container must be made anew: upstream hashes name and image, the rest can't change in place. */
export function specHash({ name, image = '' }: Container): string {
  return createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 16)
}
