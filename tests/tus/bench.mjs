// Sends photos with tus-js-client, some at a time, and says how long each took. What to send comes as JSON on standard input.
import { readFileSync } from 'node:fs'
import tus from 'tus-js-client'

const { endpoint, headers, base, photos, clients, withCreation } = JSON.parse(readFileSync(0, 'utf8'))
const content = readFileSync(base)

const send = ({ seed, metadata }) =>
  new Promise((resolve, reject) => {
    const file = Buffer.from(content)
    Buffer.from(seed, 'hex').copy(file)
    const began = performance.now()
    const upload = new tus.Upload(file, {
      endpoint,
      headers,
      metadata,
      uploadDataDuringCreation: withCreation,
      retryDelays: [],
      onError: reject,
      onSuccess: () => resolve(performance.now() - began),
    })
    upload.start()
  })

const waiting = [...photos]
const tookMs = []
const began = performance.now()
const one = async () => {
  for (let photo = waiting.pop(); photo; photo = waiting.pop()) tookMs.push(await send(photo))
}
await Promise.all(Array.from({ length: clients }, one))
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, tookMs }))
