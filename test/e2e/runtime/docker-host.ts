import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDockerRuntime, type DockerRuntimeOptions } from '../../../src/runtime/docker/docker-runtime.js'
import { connectEngine, type Engine } from '../../../src/runtime/docker/engine.js'
import { jsonLines } from '../../../src/runtime/docker/json-lines.js'
import { makeTar } from '../../../src/runtime/docker/tar.js'

export const image = 'mk-test/busybox:1'

/** Makes the test image, without a registry, from this machine's static busybox (Debian: busybox-static). */
export async function ensureImage(engine: Engine): Promise<void> {
  const busybox = await readFile('/bin/busybox').catch(() => {
    throw new Error('these tests need /bin/busybox, statically linked: apt-get install busybox-static')
  })
  const tar = makeTar([
    { name: 'bin/', mode: 0o755 },
    { name: 'tmp/', mode: 0o1777 },
    { name: 'etc/', mode: 0o755 },
    {
      name: 'etc/passwd',
      mode: 0o644,
      content: Buffer.from('root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n')
    },
    { name: 'etc/group', mode: 0o644, content: Buffer.from('root:x:0:\napp:x:1001:\nextra:x:1002:app\n') },
    { name: 'bin/busybox', mode: 0o755, content: busybox }
  ])
  const changes = ['ENV PATH=/bin', 'ENTRYPOINT ["/bin/busybox"]', 'CMD ["echo","from the image"]']
  const [repo, tag] = image.split(':')
  const answer = await engine.docker.importImage(tar as never, { repo, tag, changes })
  for await (const line of jsonLines(answer as never))
    if ((line as { error?: string }).error) throw new Error(String(line))
}

/** A runtime of its own on this machine's engine; everything of it is gone after `cleanup`. */
export async function openDocker(cluster: string, options: Partial<DockerRuntimeOptions> = {}) {
  const stateDir = await mkdtemp(join(tmpdir(), 'mk-runtime-'))
  const engine = await connectEngine()
  await ensureImage(engine)
  const make = () => createDockerRuntime({ cluster, stateDir, engine, poolSize: 0, ...options })
  const runtime = make()
  await runtime.start()
  const reopen = async () => {
    await runtime.stop()
    const next = make()
    await next.start()
    return next
  }
  const cleanup = async () => {
    await runtime.destroy()
    await rm(stateDir, { recursive: true, force: true })
    engine.close()
  }
  return { runtime, image, engine, stateDir, reopen, cleanup }
}
