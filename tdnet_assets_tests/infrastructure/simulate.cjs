// Reads [{policy, action, resource, context}] on stdin, writes the verdict of each to stdout.
// Usage: node simulate.cjs FOLDER, where FOLDER has node_modules/@cloud-copilot/iam-simulate.
const { createRequire } = require('module')
const { readFileSync } = require('fs')
const { runSimulation } = createRequire(process.argv[2] + '/')('@cloud-copilot/iam-simulate')

const ACCOUNT = '000000000000'

async function verdict({ policy, action, resource, context }) {
  const response = await runSimulation(
    {
      identityPolicies: [{ name: 'tested', policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      request: {
        action,
        principal: `arn:aws:iam::${ACCOUNT}:role/dagster`,
        resource: { accountId: ACCOUNT, resource },
        contextVariables: context,
      },
    },
    {},
  )
  return response.resultType === 'error' ? JSON.stringify(response.errors) : response.overallResult
}

async function main() {
  const questions = JSON.parse(readFileSync(0, 'utf8'))
  const verdicts = []
  for (const question of questions) verdicts.push(await verdict(question))
  process.stdout.write(JSON.stringify(verdicts))
}

main()
