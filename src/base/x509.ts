import type * as X509 from '@peculiar/x509'

/**
 * Loads the library that makes certificates. It takes a sixth of a second and 18 MB: call this only when one is made.
 * The library's own dependency injection needs a polyfill, which it leaves to its users.
 */
export async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}
