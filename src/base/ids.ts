import { randomBytes, randomUUID } from 'node:crypto'

// Kubernetes leaves out vowels and look-alikes (apimachinery util/rand).
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** A random suffix as generateName appends it: 5 characters unless told. */
export function randomSuffix(length = 5): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // Bytes above the largest multiple of 27 would favour the first letters.
      if (byte < 243 && text.length < length) text += alphabet[byte % 27] ?? ''
    }
  }
  return text
}

export const newUid = (): string => randomUUID()

/** Maps any string to the same alphabet, as pod-template-hash does (SafeEncodeString). */
export function safeEncode(text: string): string {
  return [...text].map((c) => alphabet[c.charCodeAt(0) % 27]).join('')
}
