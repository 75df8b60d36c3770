export interface ImageReference {
  /** Registry host as clients key credentials: `docker.io`, `ghcr.io`, `localhost:5000`. */
  registry: string
  /** `library/nginx`. */
  repository: string
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const domain =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?'
const pattern = new RegExp(
  `^((?:${domain}/)?${component}(?:/${component})*)(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$`
)

/** Reads an image name as Docker does. Undefined: not a name (InvalidImageName). */
export function parseImageReference(text: string): ImageReference | undefined {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) return { registry: '', repository: text }
  const name = pattern.exec(text)?.[1]
  if (name === undefined) return undefined
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  if (first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase())
    return { registry: first, repository: name.slice(slash + 1) }
  return { registry: 'docker.io', repository: slash < 0 ? `library/${name}` : name }
}
