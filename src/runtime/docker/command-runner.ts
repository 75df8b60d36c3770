import { isMkError, MkError } from '../../base/errors.js'
import type { Clock } from '../../base/clock.js'
import type { Agent, AgentCommand } from './agent.js'
import { agentCapabilities } from './agent-container.js'
import type { Engine } from './engine.js'
import { execSession } from './sessions.js'

/** The kubelet keeps so much of a probe's output. */
const maxOutputBytes = 10 * 1024

/** What the agent must know of a container to run a command in it. */
type ExecTarget = Pick<AgentCommand, 'pid' | 'user' | 'workingDirectory' | 'groups' | 'env'> & {
  /** It has rights that the agent can't pass on: its commands go through the engine. */
  byEngine: boolean
}

export interface ExecResult {
  exitCode: number
  output: string
  timedOut: boolean
}

const capability = (name: string) => name.toUpperCase().replace(/^CAP_/, '')

/** Runs short commands in containers: through the agent, or by the engine for what the agent must not do. */
export class CommandRunner {
  readonly #targets = new Map<string, ExecTarget>()
  readonly #parts: { engine: Engine; agent: Agent; clock: Clock }

  constructor(parts: { engine: Engine; agent: Agent; clock: Clock }) {
    this.#parts = parts
  }

  /** The container has started or ended: what was known of it no longer holds. */
  forget(id: string): void {
    this.#targets.delete(id)
  }

  async run(id: string, options: { command: readonly string[]; timeoutMs: number }): Promise<ExecResult> {
    const target = this.#targets.get(id) ?? (await this.#inspect(id))
    if (target.byEngine) return await this.#runByEngine(id, options)
    try {
      return await this.#parts.agent.exec({ ...target, ...options })
    } catch (error) {
      if (!isMkError(error, 'MK_AGENT_FAILED')) throw error
      return await this.#runByEngine(id, options)
    }
  }

  async #inspect(id: string): Promise<ExecTarget> {
    const { engine } = this.#parts
    const { State, Config, HostConfig } = await engine.call(
      'inspect',
      (abortSignal) => engine.docker.getContainer(id).inspect({ abortSignal }),
      { notFound: 'MK_CONTAINER_NOT_FOUND' }
    )
    if (!State.Running)
      throw new MkError('MK_CONTAINER_NOT_FOUND', `the container ${id.slice(0, 12)} does not run`)
    const added = ((HostConfig.CapAdd as string[] | null) ?? []).map(capability)
    const groups = ((HostConfig.GroupAdd as string[] | null) ?? []).map(Number)
    const target: ExecTarget = {
      pid: State.Pid,
      user: Config.User,
      workingDirectory: Config.WorkingDir || '/',
      groups: groups.filter(Number.isInteger),
      env: Config.Env,
      byEngine:
        HostConfig.Privileged === true ||
        added.some((name) => !agentCapabilities.has(name)) ||
        !groups.every(Number.isInteger)
    }
    this.#targets.set(id, target)
    return target
  }

  async #runByEngine(
    id: string,
    options: { command: readonly string[]; timeoutMs: number }
  ): Promise<ExecResult> {
    const { engine, clock } = this.#parts
    const session = await execSession(engine, clock, id, {
      command: options.command,
      stdin: false,
      tty: false
    })
    const chunks: Buffer[] = []
    let length = 0
    const keep = (chunk: Buffer) => {
      if (length < maxOutputBytes) chunks.push(chunk.subarray(0, maxOutputBytes - length))
      length += chunk.length
    }
    session.stdout.on('data', keep)
    session.stderr.on('data', keep)
    let cancel = (): void => undefined
    const timeout = new Promise<undefined>((resolve) => {
      cancel = clock.after(options.timeoutMs, () => {
        resolve(undefined)
      })
    })
    const exitCode = await Promise.race([session.exitCode, timeout])
    cancel()
    // The engine has no way to end an exec: its process runs on, as with the kubelet's own CRI of old.
    if (exitCode === undefined) session.close()
    return {
      exitCode: exitCode ?? 137,
      output: Buffer.concat(chunks).toString(),
      timedOut: exitCode === undefined
    }
  }
}
