import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MkError } from '../../base/errors.js'
import type { Engine } from './engine.js'
import type { DockerImages } from './images.js'
import { jsonLines } from './json-lines.js'
import { makeTar } from './tar.js'

export const agentPath = '/mk-agent'

/** In the repository and in the package alike, beside the code. */
export const defaultAgentDirectory = fileURLToPath(new URL('../../agent/bin', import.meta.url))

/**
 * Makes sure that the engine has the image of mk's agent and gives its name, `mk-internal/agent:<hash of the binary>`.
 * It is sent from here: mk pulls nothing for itself.
 */
export async function ensureAgentImage(
  engine: Engine,
  images: DockerImages,
  directory: string
): Promise<string> {
  const { architecture } = engine.info
  const binary = await readFile(join(directory, `mk-agent-${architecture}`)).catch((cause: unknown) => {
    throw new MkError(
      'MK_UNSUPPORTED',
      `mk has no agent for the engine's architecture ${architecture} in ${directory}`,
      {
        hint: `build it: src/agent/build.sh ${directory} ${architecture} (needs musl-gcc for ${architecture})`,
        cause
      }
    )
  })
  const hash = createHash('sha256').update(binary).digest('hex').slice(0, 16)
  const tag = `mk-internal/agent:${hash}`
  if (await images.inspect(tag)) return tag
  const tar = makeTar([
    { name: 'proc-new/', mode: 0o755 },
    { name: agentPath.slice(1), mode: 0o755, content: binary }
  ])
  const answer = await engine.call('load the agent image', () =>
    engine.docker.importImage(tar as unknown as NodeJS.ReadableStream, {
      repo: 'mk-internal/agent',
      tag: hash,
      changes: [`ENTRYPOINT ["${agentPath}"]`]
    })
  )
  for await (const line of jsonLines(answer as never)) {
    const { error } = line as { error?: string }
    if (error !== undefined) throw new MkError('MK_ENGINE_FAILED', `load the agent image: ${error}`)
  }
  return tag
}
