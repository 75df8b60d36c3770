/** A container that can't be made from its spec now: waits with CreateContainerConfigError and is tried again. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError'
}
