import { describeRun } from './run-behaviour.ts'

describeRun('postgres', {})
