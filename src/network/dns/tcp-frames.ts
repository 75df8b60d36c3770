/** DNS over TCP (RFC 1035, 4.2.2): each message has its length in two bytes before it. */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length)
  framed.writeUInt16BE(message.length, 0)
  message.copy(framed, 2)
  return framed
}

/** The whole messages at the start of what was received, and what is left. */
export function takeFrames(received: Buffer): { frames: Buffer[]; rest: Buffer } {
  const frames: Buffer[] = []
  let rest = received
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const end = 2 + rest.readUInt16BE(0)
    frames.push(rest.subarray(2, end))
    rest = rest.subarray(end)
  }
  return { frames, rest }
}
