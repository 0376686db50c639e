// The fleet: how many are in which state, who needs a person first, and the racks. Filters are in the address, so they can be sent on.

import { act } from './actions.js'
import { fill, h, shape } from './dom.js'
import { Racks } from './racks.js'
import { now, onNews, site } from './site.js'
import { STATES, STATE_WORDS, shapeOf, span, stateWords } from './words.js'

const FIRST = matchMedia('(max-width: 760px)').matches ? 4 : 6
const filter = { states: new Set(), text: '', needs: false }

const URGENCY = ['failed', 'decision', 'overdue', 'unhold', 'approval', 'record']
function need(row) {
  if (row.state === 'failed') return 'failed'
  if (row.awaits === 'decision') return 'decision'
  if (row.overdue) return 'overdue'
  return ['unhold', 'approval', 'record'].includes(row.awaits) ? row.awaits : null
}

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

function fits(row) {
  if (filter.states.size && !filter.states.has(row.state)) return false
  if (filter.needs && !need(row)) return false
  if (!filter.text) return true
  const sought = [row.name, row.rack, row.sku, row.release, row.step, row.workflow, row.why].join(' ').toLowerCase()
  return filter.text.toLowerCase().split(/\s+/).every((word) => sought.includes(word))
}

export function showFleet(main) {
  document.title = `${site.me.site} – bringup`
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Nodes by state; press to filter' })
  const search = h('input', { id: 'search', type: 'search', placeholder: 'name, rack, step, reason …  ( / )', 'aria-label': 'Filter nodes', value: filter.text })
  const found = h('span', { class: 'quiet', role: 'status' })
  const bulk = h('span', { class: 'bulk' })
  const people = h('section', { 'aria-labelledby': 'people-title' })
  const campaigns = h('section', { 'aria-label': 'Campaigns' })
  const racks = h('div', { class: 'racks' })
  const view = new Racks(racks)
  fill(main, h('h1', { class: 'hidden' }, `Fleet of ${site.me.site}`), chips, people, campaigns,
    h('section', { 'aria-label': 'Racks' }, h('div', { class: 'tools' }, search, found, bulk), racks))

  let all = false
  search.addEventListener('input', () => { filter.text = search.value.trim(); draw() })

  const draw = () => {
    const rows = [...site.rows.values()]
    const shown = rows.filter(fits)
    drawChips(chips, rows, draw)
    drawPeople(people, rows, all, () => { all = !all; draw() })
    drawCampaigns(campaigns)
    const narrowed = shown.length < rows.length
    found.textContent = narrowed ? `${shown.length} of ${rows.length} nodes` : `${rows.length} nodes`
    drawBulk(bulk, narrowed ? shown : [])
    view.show(shown)
  }

  let due = false
  const soon = () => {
    if (due) return
    due = true
    requestAnimationFrame(() => { due = false; draw() })
  }
  const off = onNews(soon)
  const ticking = setInterval(() => view.tick(), 5000)
  draw()
  return () => { off(); clearInterval(ticking); view.close() }
}

function drawChips(chips, rows, draw) {
  const counts = Object.fromEntries(STATES.map((s) => [s, 0]))
  let needs = 0
  for (const row of rows) { counts[row.state] += 1; needs += need(row) !== null }
  const key = JSON.stringify([counts, needs, [...filter.states], filter.needs])
  if (chips.dataset.key === key) return
  chips.dataset.key = key
  const focused = document.activeElement?.dataset?.chip
  const chip = (name, number, words, pressed, press) => h('button', {
    type: 'button', class: `chip ${pressed ? 'on' : ''} ${number ? '' : 'none'}`, 'aria-pressed': String(pressed), 'data-chip': name, onclick: press,
  }, name === 'needs' ? null : shape(name), h('b', {}, String(number)), ` ${words}`)
  fill(chips,
    chip('needs', needs, 'need a person', filter.needs, () => { filter.needs = !filter.needs; draw() }),
    STATES.filter((s) => counts[s] || filter.states.has(s)).map((state) => chip(state, counts[state], STATE_WORDS[state], filter.states.has(state), () => {
      if (!filter.states.delete(state)) filter.states.add(state)
      draw()
    })))
  if (focused) chips.querySelector(`[data-chip="${focused}"]`)?.focus()
}

function drawPeople(section, rows, all, more) {
  const waiting = rows.map((row) => [URGENCY.indexOf(need(row)), row]).filter(([urgency]) => urgency >= 0)
    .sort(([a, one], [b, other]) => a - b || order(one.since || '', other.since || '') || order(one.name, other.name))
    .map(([, row]) => row)
  const shown = all ? waiting.slice(0, 200) : waiting.slice(0, FIRST)
  const key = JSON.stringify([waiting.length, shown.map((r) => [r.id, r.state, r.awaits, r.why, r.next, r.overdue])])
  if (section.dataset.key === key || section.contains(document.activeElement) && section.dataset.length === String(waiting.length) && waiting.length) return
  section.dataset.key = key
  section.dataset.length = String(waiting.length)
  if (!waiting.length) {
    fill(section, h('h2', { id: 'people-title', class: 'calm' }, shape('in-service'), ' Nobody is needed'))
    return
  }
  const may = new Set(site.me.verbs)
  fill(section, h('h2', { id: 'people-title' }, `Needs a person: ${waiting.length}`),
    h('ul', { class: 'people' }, shown.map((row) => h('li', { class: `n-${need(row)}` },
      shape(shapeOf(row)),
      h('a', { href: `#/node/${row.id}`, class: 'name' }, row.name),
      h('span', { class: 'place' }, row.rack || ''),
      h('span', { class: 'what' }, row.state === 'failed' ? 'failed' : stateWords(row), row.since && row.awaits !== 'record' ? ` · ${span((now() - Date.parse(row.since)) / 1000)}` : ''),
      h('span', { class: 'why', title: row.why || '' }, row.why || '', row.next ? h('span', { class: 'next' }, ` → ${row.next}`) : null),
      h('span', { class: 'do' }, (row.verbs || []).slice(0, row.state === 'failed' ? 1 : 2).filter((v) => may.has(v)).map((verb) =>
        h('button', { type: 'button', onclick: () => act(verb, row.name, [row]), 'aria-label': `${verb} ${row.name}` }, verb)))))),
    waiting.length > FIRST ? h('button', { type: 'button', class: 'plain', onclick: more }, all ? 'Show fewer' : `Show all ${waiting.length}`) : null)
}

function drawCampaigns(section) {
  const key = JSON.stringify(site.campaigns)
  if (section.dataset.key === key) return
  section.dataset.key = key
  const may = new Set(site.me.verbs)
  const verbs = { proposed: ['approve', 'deny'], running: ['hold', 'cancel'], paused: ['retry', 'cancel'], stopping: [] }
  fill(section, site.campaigns.length ? h('h2', {}, 'Campaigns') : null, site.campaigns.map((c) => h('div', { class: 'campaign' },
    h('b', {}, `${c.workflow} of ${c.nodes} nodes`), h('span', {}, `${c.state}, wave ${c.wave} of ${c.waves}`),
    h('progress', { max: c.nodes, value: c.passed, 'aria-label': `${c.passed} of ${c.nodes} in service` }), h('span', {}, `${c.passed}/${c.nodes} in service`),
    h('span', { class: 'why' }, `asked for by ${c.asked_by}`, c.text || c.reason ? `: ${c.text || c.reason}` : ''),
    h('span', { class: 'do' }, verbs[c.state].filter((v) => may.has(v)).map((verb) =>
      h('button', { type: 'button', onclick: () => act(verb, `campaign:${c.id}`, []) }, verb))))))
}

// One command for all nodes that the filter shows.
function drawBulk(bulk, shown) {
  const verbs = site.me.verbs.filter((v) => shown.some((row) => (row.verbs || []).includes(v)))
  const key = JSON.stringify([verbs, shown.length])
  bulk.rows = shown
  if (bulk.dataset.key === key) return
  bulk.dataset.key = key
  if (!verbs.length) { fill(bulk); return }
  const verb = h('select', { 'aria-label': 'What to ask for all shown nodes' }, verbs.map((v) => h('option', { value: v }, v)))
  fill(bulk, verb, h('button', { type: 'button', onclick: () => {
    const rows = bulk.rows.filter((row) => (row.verbs || []).includes(verb.value))
    act(verb.value, rows.map((row) => row.id).join(','), rows)
  } }, 'the shown nodes …'))
}
