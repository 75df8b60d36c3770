import type { TokenReview } from '../../api/types.js'
import type { TokenAuthenticator } from '../authn/authenticator.js'
import { userInfoOf } from '../user.js'
import type { Review } from './review.js'

/** Whom a bearer token belongs to, and for which of the audiences it is good (authentication/v1 TokenReview). */
export function tokenReview(tokens: TokenAuthenticator): Review {
  return {
    group: 'authentication.k8s.io',
    kind: 'TokenReview',
    answer: (object) => {
      const { token = '', audiences } = (object as unknown as TokenReview).spec
      const found = tokens.authenticate(token, audiences?.length ? audiences : undefined)
      const status = found
        ? { authenticated: true, user: userInfoOf(found.user), audiences: found.audiences }
        : { error: 'invalid bearer token', user: {} }
      return { ...object, status } as typeof object
    }
  }
}
