import type { HostPort } from '../node-info.js'
import type { FilterPlugin } from '../plugin.js'
import { rejection } from '../plugin.js'

/** 0.0.0.0 takes the port on every address. */
const conflict = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port &&
  a.protocol === b.protocol &&
  (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')

/** A host port can be had once per node, protocol and address. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  changes: ['node', 'pod-gone'],
  prepare: ({ hostPorts }) => {
    if (hostPorts.length === 0) return undefined
    return ({ pods }) => {
      for (const other of pods.values()) {
        if (other.hostPorts.some((taken) => hostPorts.some((wanted) => conflict(taken, wanted)))) {
          return rejection("node(s) didn't have free ports for the requested pod ports", true)
        }
      }
      return undefined
    }
  }
}
