// Evaluations a second of json-rules-engine on cases.json, which the benchmark writes.
import { readFileSync } from 'node:fs'
import { Engine } from 'json-rules-engine'

const { document, carts, points, rounds, seconds } = JSON.parse(readFileSync(new URL('cases.json', import.meta.url)))

// Money and points are whole hundredths; a rate is parts per million.
const hundredths = (text) => Math.round(Number(text) * 100)

const engine = new Engine()
const sum = (lines) => lines.reduce((total, line) => total + line.amount, 0)
// Facts are kept by their parameters within one run, so that each sum is made once a cart.
engine.addFact('total', async (_, almanac) => sum(await almanac.factValue('lines')))
engine.addFact('of', async ({ categories, labels }, almanac) => {
  const lines = await almanac.factValue('lines')
  const meant = (line) => categories?.includes(line.category) || line.labels.some((label) => labels?.includes(label))
  return sum(lines.filter(meant))
})

for (const rule of document.earning) {
  const { order_total, channels, tiers, products } = rule.when
  const all = []
  if (order_total) all.push({ fact: 'total', operator: 'greaterThanInclusive', value: hundredths(order_total.min) })
  if (channels) all.push({ fact: 'channel', operator: 'in', value: channels })
  if (tiers) all.push({ fact: 'tier', operator: 'in', value: tiers })
  if (products) all.push({ fact: 'of', params: products, operator: 'greaterThan', value: 0 })
  const params = rule.type === 'fixed'
    ? { fixed: hundredths(rule.points) }
    : { rate: Math.round(Number(rule.rate) * 10_000), products }
  engine.addRule({ conditions: { all }, event: { type: rule.id, params } })
}

async function evaluate(cart) {
  const { events, almanac } = await engine.run(cart)
  let earned = 0
  for (const { params } of events) {
    if (params.fixed) { earned += params.fixed; continue }
    const base = params.products ? await almanac.factValue('of', params.products) : await almanac.factValue('total')
    earned += Math.floor(base * params.rate / 1_000_000)
  }
  return earned
}

for (const [index, cart] of carts.entries()) {
  const earned = await evaluate(cart)
  if (earned !== points[index]) throw new Error(`cart ${index}: ${earned} instead of ${points[index]}`)
}

async function round() {
  const begun = performance.now()
  let count = 0
  while (performance.now() - begun < seconds * 1000) await evaluate(carts[count++ % carts.length])
  return count / (performance.now() - begun) * 1000
}

await round() // warms up
const measured = []
for (let index = 0; index < rounds; index++) measured.push(await round())
console.log(measured.sort((one, other) => one - other)[Math.floor(rounds / 2)])
