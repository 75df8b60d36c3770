/** What one run of a probe gave. */
export interface ProbeResult {
  /** unknown: the probe itself could not be run; counts for nothing. */
  result: 'success' | 'failure' | 'unknown'
  output: string
}
