// The site as this page knows it: all rows, kept up to date by server-sent events, and who is signed in.

import { tell } from './dom.js'

export const site = { me: null, rows: new Map(), campaigns: [], skew: 0 }
const listeners = new Set()
let life = '', revision = 0, source = null, pause = 1000

export const now = () => Date.now() + site.skew

// Called with the ids that changed, or with null where everything may have.
export function onNews(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export async function call(method, path, body) {
  const headers = { 'Content-Type': 'application/json' }
  if (site.me && site.me.csrf) headers['X-CSRF-Token'] = site.me.csrf
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  const said = await answer.json().catch(() => ({ error: `the answer was no JSON (${answer.status})` }))
  if (!answer.ok) {
    const error = new Error(said.error || answer.statusText)
    error.status = answer.status
    throw error
  }
  return said
}

export async function load() {
  const fleet = await call('GET', '/api/fleet')
  site.skew = Date.parse(fleet.now) - Date.now()
  site.rows = new Map(fleet.rows.map((r) => [r.id, r]))
  site.campaigns = fleet.campaigns
  life = fleet.life
  revision = fleet.revision
  publish(null)
  follow()
}

function publish(changed) {
  for (const listener of listeners) listener(changed)
}

export function stop() {
  if (source) source.close()
  source = null
}

function follow() {
  stop()
  source = new EventSource(`/api/events?after=${revision}&life=${encodeURIComponent(life)}`)
  source.addEventListener('open', () => { pause = 1000; lost(false) })
  source.addEventListener('news', (event) => {
    const news = JSON.parse(event.data)
    revision = news.revision
    site.campaigns = news.campaigns
    for (const row of news.rows) site.rows.set(row.id, row)
    for (const id of news.gone) site.rows.delete(id)
    publish([...news.rows.map((r) => r.id), ...news.gone])
  })
  source.addEventListener('stale', () => { stop(); load().catch(again) })
  source.addEventListener('error', again)
}

// The browser's own reconnect would ask for a revision that we are long past: ask for the present one, with a growing pause.
function again() {
  stop()
  lost(true)
  setTimeout(async () => {
    try { site.me = await call('GET', '/api/me'); follow() }
    catch (error) { if (error.status === 401) location.reload(); else again() }
  }, pause)
  pause = Math.min(pause * 2, 15000)
}

function lost(is) {
  const bar = document.getElementById('lost')
  if (is && bar.hidden) bar.textContent = `The connection is lost: this is how it stood at ${new Date().toLocaleTimeString()}`
  if (!is && !bar.hidden) tell('The connection is back')
  bar.hidden = !is
}
