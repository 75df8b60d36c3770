/** The release whose API is served; `+mk` is build metadata to whoever reads it as a semantic version. */
export function versionInfo(): Record<string, string> {
  return {
    major: '1',
    minor: '36',
    gitVersion: 'v1.36.0+mk',
    gitCommit: '0000000000000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2026-04-22T00:00:00Z',
    goVersion: `node-${process.version}`,
    compiler: 'node',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`
  }
}
