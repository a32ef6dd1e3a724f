// express-rate-limit in front of a vendor. It serves on the socket that it inherits as descriptor 3, and writes a line with
// time and status for each answer.
import { appendFileSync } from 'node:fs'
import express from 'express'
import { rateLimit } from 'express-rate-limit'

const { VENDOR, LOG, CALLS, SECONDS, HEADERS } = process.env
const app = express()

app.get('/ready', (req, res) => res.sendStatus(204))
app.use((req, res, next) => {
  res.on('finish', () => appendFileSync(LOG, `${Date.now() / 1000} ${res.statusCode}\n`))
  next()
})
app.use(rateLimit({
  limit: Number(CALLS),
  windowMs: Number(SECONDS) * 1000,
  legacyHeaders: HEADERS === 'legacy',
  standardHeaders: HEADERS === 'legacy' ? false : HEADERS,
  keyGenerator: req => req.get('apiKey'),
}))
app.use(express.text({ type: () => true }), async (req, res) => {
  const headers = { apiKey: req.get('apiKey'), 'Content-Type': req.get('Content-Type') }
  const answer = await fetch(VENDOR + req.originalUrl, { method: req.method, headers, body: req.body })
  res.status(answer.status).type('json').send(await answer.text())
})

app.listen({ fd: 3 })
process.on('SIGTERM', () => process.exit()) // not before what runs has written its line
