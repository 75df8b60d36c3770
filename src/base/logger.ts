export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Structured log: a message that is constant and fields that vary. Passed in, never global. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  /** A logger that adds these fields to each line. */
  with(fields: Record<string, unknown>): Logger
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

function printable(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const cause = value.cause === undefined ? {} : { cause: printable(value.cause) }
  return {
    message: value.message,
    ...('code' in value ? { code: value.code } : {}),
    stack: value.stack,
    ...cause
  }
}

/** One JSON object a line: time, level, message, then the fields. */
export function createLogger(options: {
  write: (line: string) => void
  level?: LogLevel
  now?: () => Date
  fields?: Record<string, unknown>
}): Logger {
  const { write, level = 'info', now = () => new Date(), fields: base = {} } = options
  const log =
    (at: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (rank[at] < rank[level]) return
      const all = Object.fromEntries(
        Object.entries({ ...base, ...fields }).map(([k, v]) => [k, printable(v)])
      )
      write(JSON.stringify({ time: now().toISOString(), level: at, message, ...all }) + '\n')
    }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    with: (fields) => createLogger({ write, level, now, fields: { ...base, ...fields } })
  }
}

export const silentLogger: Logger = createLogger({ write: () => {}, level: 'error' })
