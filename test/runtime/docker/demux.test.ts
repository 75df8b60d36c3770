import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { demultiplex, interleaved } from '../../../src/runtime/docker/demux.js'

function frame(stream: number, data: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(stream)
  header.writeUInt32BE(Buffer.byteLength(data), 4)
  return Buffer.concat([header, Buffer.from(data)])
}

const bytes = Buffer.concat([
  frame(1, 'one '),
  frame(2, 'err '),
  frame(1, ''),
  frame(1, 'two'),
  frame(2, 'end')
])

void t.test('frames cut anywhere give the same output', async (t) => {
  for (const size of [1, 3, 8, 11, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size)
    )
    t.equal(await text(Readable.from(chunks).pipe(interleaved())), 'one err twoend')
    const [out, err] = [new PassThrough(), new PassThrough()]
    const both = Promise.all([text(out), text(err)])
    await demultiplex(Readable.from(chunks), out, err)
    t.strictSame(await both, ['one two', 'err end'])
  }
})

void t.test('a reader that is slow or gone stops nothing for ever', async (t) => {
  const [out, err] = [new PassThrough({ highWaterMark: 1 }), new PassThrough()]
  out.destroy()
  await demultiplex(Readable.from([bytes, bytes]), out, err)
  t.equal(await text(err), 'err enderr end')
})
