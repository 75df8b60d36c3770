import t from 'tap'
import {
  FrameReader,
  frameHeader,
  str,
  strings,
  type Frame
} from '../../../src/runtime/docker/agent-protocol.js'

void t.test('frames survive being cut anywhere', (t) => {
  const frames = [Buffer.from('abc'), Buffer.alloc(0), Buffer.alloc(5000, 'x')]
  const bytes = Buffer.concat(
    frames.flatMap((payload, i) => [frameHeader(i + 1, 64, payload.length), payload])
  )
  for (const size of [1, 7, 4096, bytes.length]) {
    const reader = new FrameReader()
    const got: Frame[] = []
    for (let at = 0; at < bytes.length; at += size)
      reader.push(bytes.subarray(at, at + size), (f) => got.push(f))
    t.strictSame(
      got.map(({ id, type, payload }) => [id, type, payload.toString()]),
      frames.map((p, i) => [i + 1, 64, p.toString()])
    )
  }
  t.end()
})

void t.test('strings carry their length in bytes', (t) => {
  t.equal(str('é').toString('hex'), '0002c3a9')
  t.equal(strings(['a', '']).toString('hex'), '00020001610000')
  t.end()
})
