import { AttributeWriter } from './attribute-writer.js'

const subsystem = 1
const deleteMessage = 2
const acknowledge = 0x004
const familyIpv4 = 2
const markAttribute = 8
const markMaskAttribute = 21

/**
 * Netlink messages that forget every connection marked with one of these addresses (host order numbers): the service
 * table marks translated UDP connections with their endpoint's address. Deleting by mark works on every kernel that
 * has nf_tables, deleting by reply tuple only on very new ones.
 */
export function forgetConnections(endpointAddresses: readonly number[]): Buffer {
  const w = new AttributeWriter()
  endpointAddresses.forEach((address, index) => {
    const type = subsystem * 256 + deleteMessage
    w.message({ type, flags: acknowledge, sequence: index + 1, family: familyIpv4, resource: 0 }, () => {
      w.u32(markAttribute, markOf(address))
      w.u32(markMaskAttribute, 0xffffffff)
    })
  })
  return w.result()
}

/** The mark that an address in network order becomes when a rule copies it to the (host order) mark. */
function markOf(address: number): number {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(address)
  return bytes.readUInt32LE()
}
