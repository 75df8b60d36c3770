interface TarEntry {
  /** Relative, below 100 bytes; a directory's ends in a slash. */
  name: string
  mode: number
  content?: Buffer
}

const block = 512
const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, '0') + '\0'

function header(entry: TarEntry): Buffer {
  const bytes = Buffer.alloc(block)
  bytes.write(entry.name, 0, 100)
  bytes.write(octal(entry.mode, 8), 100)
  bytes.write(octal(0, 8), 108)
  bytes.write(octal(0, 8), 116)
  bytes.write(octal(entry.content?.length ?? 0, 12), 124)
  bytes.write(octal(0, 12), 136)
  bytes.write(' '.repeat(8), 148)
  bytes.write(entry.name.endsWith('/') ? '5' : '0', 156)
  bytes.write('ustar\x0000', 257, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(sum.toString(8).padStart(6, '0') + '\0 ', 148)
  return bytes
}

/** A ustar archive, the same bytes for the same entries: root's files, dated 1970. */
export function makeTar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries) {
    parts.push(header(entry))
    if (entry.content)
      parts.push(entry.content, Buffer.alloc((block - (entry.content.length % block)) % block))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}
