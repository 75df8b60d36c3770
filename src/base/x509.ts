/**
 * Loads the library that makes certificates. It takes half a second: call this only when one is made. The library's own
 * dependency injection needs a polyfill, which it leaves to its users.
 */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}
