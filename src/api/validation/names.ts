/** Forms of names (apimachinery util/validation). Each function returns what is wrong with the text, in upstream's words. */

const labelForm = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainForm = `${labelForm}(\\.${labelForm})*`
const label1035Form = '[a-z]([-a-z0-9]*[a-z0-9])?'
const qualifiedForm = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValueForm = `(${qualifiedForm})?`
const keyForm = '[-._a-zA-Z0-9]+'

const whole = (form: string) => new RegExp(`^${form}$`)
const maxLength = (most: number) => `must be no more than ${String(most)} bytes`

function formError(message: string, form: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}'`).join(',  or ')
  return `${message} (e.g. ${shown}, regex used for validation is '${form}')`
}

function checked(text: string, most: number, form: string, message: string): string[] {
  return [
    ...(Buffer.byteLength(text) > most ? [maxLength(most)] : []),
    ...(whole(form).test(text) ? [] : [message])
  ]
}

export const dnsLabelProblems = (text: string): string[] =>
  checked(
    text,
    63,
    labelForm,
    formError(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
        'an alphanumeric character',
      labelForm,
      'my-name',
      '123-abc'
    )
  )

export const dnsSubdomainProblems = (text: string): string[] =>
  checked(
    text,
    253,
    subdomainForm,
    formError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
        'end with an alphanumeric character',
      subdomainForm,
      'example.com'
    )
  )

export const dns1035LabelProblems = (text: string): string[] =>
  checked(
    text,
    63,
    label1035Form,
    formError(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
        'and end with an alphanumeric character',
      label1035Form,
      'my-name',
      'abc-123'
    )
  )

/** A host that stands for all of one level: `*.example.com`. */
export const wildcardSubdomainProblems = (text: string): string[] => {
  const form = `\\*\\.${subdomainForm}`
  return checked(
    text,
    253,
    form,
    formError(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower " +
        "case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      form,
      '*.example.com'
    )
  )
}

const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

/** `[prefix/]name`: label and annotation keys, resource names, condition types. */
export function qualifiedNameProblems(text: string): string[] {
  const parts = text.split('/')
  if (parts.length > 2) {
    return [
      `a qualified name ${formError(qualifiedMessage, qualifiedForm, 'MyName', 'my.name', '123-abc')} ` +
        "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    ]
  }
  const [prefix, name = ''] = parts.length === 2 ? parts : [undefined, parts[0]]
  const problems: string[] = []
  if (prefix === '') problems.push('prefix part must be non-empty')
  else if (prefix !== undefined)
    problems.push(...dnsSubdomainProblems(prefix).map((why) => `prefix part ${why}`))
  if (name === '') problems.push('name part must be non-empty')
  else if (name.length > 63) problems.push(`name part ${maxLength(63)}`)
  if (!whole(qualifiedForm).test(name)) {
    problems.push(`name part ${formError(qualifiedMessage, qualifiedForm, 'MyName', 'my.name', '123-abc')}`)
  }
  return problems
}

export const labelValueProblems = (text: string): string[] =>
  checked(
    text,
    63,
    labelValueForm,
    formError(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
        'end with an alphanumeric character',
      labelValueForm,
      'MyValue',
      'my_value',
      '12345'
    )
  )

const relativePathProblems = (text: string): string[] => {
  if (text === '.') return ["must not be '.'"]
  if (text === '..') return ["must not be '..'"]
  return text.startsWith('..') ? ["must not start with '..'"] : []
}

/** Names of environment variables (IsRelaxedEnvVarName, on by default since 1.34). */
export function envVarNameProblems(text: string): string[] {
  if (text === '') return ['environment variable name must be non-empty']
  return /^[ -<>-~]+$/.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

/** Keys of ConfigMaps and Secrets, which become file names. */
export const configKeyProblems = (text: string): string[] => [
  ...checked(
    text,
    253,
    keyForm,
    formError(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      keyForm,
      'key.name',
      'KEY_NAME',
      'key-name'
    )
  ),
  ...relativePathProblems(text)
]

/** Names of container ports (IANA_SVC_NAME). */
export function portNameProblems(text: string): string[] {
  const problems: string[] = []
  if (text.length > 15) problems.push('must be no more than 15 characters long')
  if (!/^[-a-z0-9]+$/.test(text))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(text)) problems.push('must contain at least one letter (a-z)')
  if (text.includes('--')) problems.push('must not contain consecutive hyphens')
  if (text.startsWith('-') || text.endsWith('-')) problems.push('must not begin or end with a hyphen')
  return problems
}

export const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65535
