// States, times and verbs in words: one table each.

export const STATES = ['failed', 'parked', 'held', 'waiting', 'running', 'would', 'idle', 'in-service']

export const STATE_WORDS = {
  failed: 'failed', parked: 'parked', held: 'held', waiting: 'waiting', running: 'running',
  would: 'would start', idle: 'idle', 'in-service': 'in service',
}

// What a journal's entry means to somebody who reads it for the first time.
export const ENTRIES = {
  claimed: 'taken in hand', session: 'BMC session', intent: 'begins', done: 'done', failed: 'failed', waiting: 'waits', parked: 'asks a person',
  resumed: 'goes on', held: 'held', unheld: 'released', approved: 'approved', denied: 'denied', cancelled: 'cancelled', settled: 'released', finished: 'finished',
}

export const AWAITS = {
  decision: 'needs a decision', approval: 'waits for approval', unhold: 'is held',
  record: 'record is wrong', place: 'waits for a place', world: 'waits',
}

export const shapeOf = (row) => (row.awaits === 'record' ? 'record' : row.state)

export function stateWords(row) {
  const words = row.awaits && row.state !== 'waiting' ? AWAITS[row.awaits] : STATE_WORDS[row.state]
  return row.overdue ? `${words}, overdue` : words
}

export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds))
  const two = (n) => String(n).padStart(2, '0')
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor(s % 3600 / 60))}m`
  return `${Math.floor(s / 86400)}d${Math.floor(s % 86400 / 3600)}h`
}

export const minutes = (seconds) => (seconds < 90 ? span(seconds) : seconds < 5400 ? `${Math.round(seconds / 60)}m` : span(seconds))

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false })
export const clock = (iso) => CLOCK.format(new Date(iso))
export const day = (iso) => DAY.format(new Date(iso))

// Seconds until the run's end, and its range, counted down from when the server said so.
export function left(row, now) {
  if (row.left === undefined) return null
  const passed = Math.max(0, (now - Date.parse(row.at)) / 1000)
  const down = (s) => (s === undefined ? undefined : Math.max(0, s - passed))
  return { left: down(row.left), least: down(row.least), most: down(row.most), late: row.late }
}

export function leftWords(row, now) {
  const known = left(row, now)
  if (known === null) return ''
  if (known.late) return `~${minutes(known.left)}, longer than ever`
  const range = known.most - known.least > 1 ? ` (${minutes(known.least)}–${minutes(known.most)})` : ''
  return `~${minutes(known.left)}${range}`
}

export function progress(row, now) {
  if (!row.count) return null
  const known = left(row, now)
  if (known && row.stepSince) {
    const spent = Math.max(0, (now - Date.parse(row.stepSince)) / 1000)
    const inStep = row.usual ? Math.min(0.95, spent / row.usual) : 0
    return Math.min(1, ((row.index || 0) + inStep) / row.count)
  }
  return (row.index || 0) / row.count
}
