import { createMemoryDriver } from '../../src/store/memory-driver.js'
import { driverSuite } from './suite.js'

driverSuite('memory', () => {
  const driver = createMemoryDriver()
  return () => driver
})
