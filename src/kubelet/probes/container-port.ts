import type { Container, IntOrString } from '../../api/types.js'

/** A port by number or by the name that the container declares. @throws Error for an unknown name or a bad number */
export function portOf(port: IntOrString, container: Container): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort
  const number = named ?? Number(port)
  if (Number.isInteger(number) && number > 0 && number < 65536) return number
  throw new Error(`couldn't find port: ${String(port)} in container ${container.name}`)
}
