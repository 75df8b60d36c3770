import { resourceOfManifest } from './apply.js'
import type { Io } from './io.js'
import { readManifests } from './manifest.js'
import type { Session } from './session.js'
import type { Target } from './targets.js'

/** The objects that files name, each in the namespace that its file says. */
export async function targetsFromFiles(
  session: Session,
  filenames: readonly string[],
  options: { io: Io; recursive: boolean }
): Promise<(Target & { name: string })[]> {
  const manifests = await readManifests(filenames, options)
  return Promise.all(
    manifests.map(async (manifest) => ({
      resource: await resourceOfManifest(session, manifest),
      namespace: manifest.namespace,
      name: manifest.name
    }))
  )
}
