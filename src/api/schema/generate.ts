/**
 * Writes schema/generated/ from the text of the npm package that publishes Kubernetes' models and from facts/.
 * Runs before build and tests: `npm run generate`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { buildDefinitions } from './generator/definitions.js'
import { readFacts } from './generator/facts.js'
import { readModels } from './generator/models.js'
import { nameDefinitions, nameTypes } from './generator/names.js'
import { buildMessages } from './generator/messages.js'
import { emitTypes } from './generator/types.js'

const models = readModels()
const facts = readFacts(new URL('./facts/', import.meta.url))
const ids = nameDefinitions(models, facts)
const definitions = buildDefinitions(models, { ids, facts })
const folder = new URL('./generated/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('types.ts', folder), emitTypes(models, { types: nameTypes(models), ids, facts }))
writeFileSync(new URL('definitions.json', folder), JSON.stringify(definitions))
writeFileSync(new URL('messages.json', folder), JSON.stringify(buildMessages(definitions, facts)))
