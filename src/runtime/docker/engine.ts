import http from 'node:http'
import https from 'node:https'
import { inspect } from 'node:util'
import Docker from 'dockerode'
import type { MkErrorCode } from '../../base/errors.js'
import { MkError } from '../../base/errors.js'
import type { RuntimeInfo } from '../runtime.js'
import { resolveEngineAddress, type EngineAddress } from './connection.js'
import { toMkError } from './engine-errors.js'
import { Limiter } from './limiter.js'

/** The oldest engine that mk works with: 20.10. */
const oldestApi = '1.41'
/** Answers of the engine to plain questions; starting a container and the like have limits of their own. */
const defaultTimeoutMs = 30_000

export interface CallOptions {
  /** What a 404 means. Default MK_ENGINE_FAILED. */
  notFound?: MkErrorCode
  timeoutMs?: number
}

/** A connection to one Docker Engine: calls with time limits, coded errors and a bound on parallel heavy work. */
export interface Engine {
  readonly docker: Docker
  readonly address: EngineAddress
  /** The engine is on this machine: its paths and addresses are ours. */
  readonly local: boolean
  readonly info: RuntimeInfo
  readonly apiVersion: string
  /** The engine's security options, e.g. `name=userns`. */
  readonly securityOptions: readonly string[]
  readonly defaultRuntime: string
  /** For creating and starting containers: more than 2 × cores at a time only makes each slower. */
  readonly heavy: Limiter
  /** For removing them. */
  readonly removal: Limiter
  /** Runs one engine call. `what` names it in errors: "create the network mk-default". */
  call<T>(what: string, task: (signal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T>
  close(): void
}

interface EngineInfoAnswer {
  OperatingSystem?: string
  OSType?: string
  KernelVersion?: string
  Architecture?: string
  NCPU?: number
  MemTotal?: number
  CgroupVersion?: string
  SecurityOptions?: string[] | null
  DefaultRuntime?: string
}

const architectures: Record<string, string> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  s390x: 's390x',
  ppc64le: 'ppc64le'
}

/**
 * Connects to the engine and learns what it is. Fails with MK_ENGINE_UNREACHABLE, MK_ENGINE_PERMISSION,
 * MK_ENGINE_TOO_OLD or MK_ENGINE_TIMEOUT, each with a hint. Default address: {@link resolveEngineAddress}.
 */
export async function connectEngine(
  options: { address?: EngineAddress; timeoutMs?: number } = {}
): Promise<Engine> {
  const address = options.address ?? resolveEngineAddress()
  const agent = terse(
    address.tls ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true })
  )
  const docker = new Docker({
    // Explicitly: docker-modem would take what is missing from the environment.
    host: address.hostname,
    port: address.port,
    socketPath: address.socketPath,
    protocol: address.tls ? 'https' : 'http',
    ...address.tls,
    agent
  } as Docker.DockerOptions)

  const call = async <T>(
    what: string,
    task: (signal: AbortSignal) => Promise<T>,
    callOptions: CallOptions = {}
  ) => {
    const timeoutMs = callOptions.timeoutMs ?? defaultTimeoutMs
    const abort = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error('timed out'))
        abort.abort()
      }, timeoutMs)
    })
    try {
      return await Promise.race([task(abort.signal), timeout])
    } catch (error) {
      const { notFound } = callOptions
      throw toMkError(error, {
        what,
        address,
        timedOut: abort.signal.aborted,
        timeoutMs,
        ...(notFound ? { notFound } : {})
      })
    } finally {
      clearTimeout(timer)
    }
  }

  const ask = { timeoutMs: options.timeoutMs ?? 10_000 }
  const version = await call('connect to the Docker Engine', () => docker.version(), ask)
  if (compareVersions(version.ApiVersion, oldestApi) < 0) {
    agent.destroy()
    throw new MkError(
      'MK_ENGINE_TOO_OLD',
      `the Docker Engine at ${address.host} is ${version.Version} (API ${version.ApiVersion}); mk needs 20.10 (API ${oldestApi}) or newer`,
      {
        hint: 'upgrade the engine: https://docs.docker.com/engine/install/'
      }
    )
  }
  const answer = (await call(
    'ask the Docker Engine about itself',
    () => docker.info() as Promise<unknown>,
    ask
  )) as EngineInfoAnswer
  const cpus = answer.NCPU ?? 1
  return {
    docker,
    address,
    local: address.socketPath !== undefined,
    apiVersion: version.ApiVersion,
    securityOptions: answer.SecurityOptions ?? [],
    defaultRuntime: answer.DefaultRuntime ?? 'runc',
    heavy: new Limiter(2 * cpus),
    removal: new Limiter(2 * cpus),
    info: {
      engine: 'docker',
      engineVersion: version.Version,
      operatingSystem: answer.OSType ?? 'linux',
      osImage: answer.OperatingSystem ?? 'unknown',
      kernelVersion: answer.KernelVersion ?? version.KernelVersion ?? 'unknown',
      architecture: architectures[answer.Architecture ?? ''] ?? answer.Architecture ?? version.Arch,
      cpus,
      memoryBytes: answer.MemTotal ?? 0,
      cgroupVersion: answer.CgroupVersion === '2' ? '2' : '1'
    },
    call,
    close: () => {
      agent.destroy()
    }
  }
}

/**
 * docker-modem writes out the options of each request for its debug log, at any depth, even when nobody reads that: with
 * a few logs or sessions open, an agent's sockets and all that hangs on them took a second and 100 MB each time.
 */
function terse<T extends object>(agent: T): T {
  return Object.assign(agent, { [inspect.custom]: () => 'Agent' })
}

function compareVersions(a: string, b: string): number {
  const [x, y] = [a, b].map((v) => v.split('.').map(Number))
  for (let i = 0; i < 2; i++) {
    const difference = (x?.[i] ?? 0) - (y?.[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
