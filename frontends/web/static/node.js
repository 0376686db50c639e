// One node: why it stands as it does, its run as a timeline beside what is usual, journal, log, burn-in, inventory, history.

import { act } from './actions.js'
import { fill, h, shape } from './dom.js'
import { gantt } from './gantt.js'
import { call, now, onNews, site } from './site.js'
import { ENTRIES, clock, day, leftWords, shapeOf, span, stateWords } from './words.js'

const LOG_LINES = 2000

export function showNode(main, id, wanted) {
  const head = h('div', { class: 'nodehead' }), run = h('section', { 'aria-label': 'Run' }), more = h('div', { class: 'columns' })
  fill(main, h('nav', {}, h('a', { href: '#/' }, '← fleet')), head, run, more)
  let closed = false, shown = '', source = null, told = null
  const leaveLog = () => { if (source) source.close(); source = null }

  const drawHead = () => {
    const row = site.rows.get(id)
    if (!row) { fill(head, h('h1', {}, id), h('p', { class: 'bad' }, 'The inventory has no such node (any more)')); return }
    document.title = `${row.name}: ${stateWords(row)} – bringup`
    const key = JSON.stringify([row, Math.floor(now() / 5000)])
    if (head.dataset.key === key || head.contains(document.activeElement)) return
    head.dataset.key = key
    const may = new Set(site.me.verbs)
    const left = leftWords(row, now())
    fill(head, h('h1', {}, shape(shapeOf(row)), ` ${row.name}`, row.rack ? h('span', { class: 'place' }, `rack ${row.rack}${row.u ? `, unit ${row.u}` : ''}`) : null),
      h('p', { class: `lead t-${shapeOf(row)}` }, h('b', {}, stateWords(row)), row.count ? ` · ${row.workflow}, ${row.step} (${(row.index || 0) + 1} of ${row.count})${row.attempt ? `, try ${row.attempt}` : ''}` : '',
        row.since ? ` · since ${day(row.since)}` : '', left ? ` · left ${left}` : '', row.deadline ? ` · deadline ${day(row.deadline)}` : ''),
      row.why && row.why !== stateWords(row) ? h('p', { class: 'why' }, row.why) : null,
      row.next ? h('p', { class: 'next' }, `Next: ${row.next}`) : null,
      h('p', { class: 'do' }, (row.verbs || []).filter((v) => may.has(v)).map((verb) => h('button', { type: 'button', onclick: () => act(verb, row.id, [row]) }, verb))))
  }

  const load = async () => {
    try {
      const node = await call('GET', `/api/nodes/${encodeURIComponent(id)}`)
      const cause = wanted || node.cause
      told = cause ? await call('GET', `/api/nodes/${encodeURIComponent(id)}/runs/${encodeURIComponent(cause)}`) : null
      if (closed) return
      drawRun(node, cause)
      drawMore(node)
    } catch (error) { if (!closed) fill(run, h('p', { class: 'bad' }, error.message)) }
  }

  const drawRun = (node, cause) => {
    if (!told) { fill(run, h('h2', {}, 'No run yet'), h('p', { class: 'quiet' }, 'bringup plan says what would start one')); return }
    const key = JSON.stringify([told.journal.length, told.outcome, cause])
    if (key !== shown) {
      shown = key
      const open = run.querySelector('details.log')?.open ?? false
      leaveLog()
      fill(run, h('h2', {}, `${told.workflow} `, h('code', {}, cause), told.outcome ? ` ${told.outcome}` : ' is open'),
        h('p', { class: 'quiet' }, `asked for by ${told.asked_by}${told.reason ? `: ${told.reason}` : ''}`, told.began ? ` · began ${day(told.began)}` : '', told.ended ? ` · took ${span((Date.parse(told.ended) - Date.parse(told.began)) / 1000)}` : '',
          told.force ? ' · FORCED' : '', told.campaign ? ` · campaign ${told.campaign}` : ''),
        h('div', { class: 'gantt' }), burnIn(told.report),
        h('details', { open: true }, h('summary', {}, `Journal (${told.journal.length})`), h('ol', { class: 'journal' }, told.journal.map((line) => h('li', { class: `k-${line.entry.split(' ')[0]}` },
          h('time', { datetime: line.time, title: line.time }, clock(line.time)), h('span', { class: 'step' }, line.step), h('span', { class: 'entry' }, inWords(line.entry)), h('span', { class: 'why' }, [`${line.step} began`, `${line.step} done`].includes(line.why) ? '' : line.why))))),
        log(node, cause, open))
    }
    gantt(run.querySelector('.gantt'), told, site.rows.get(id), now())
  }

  const log = (node, cause, open) => {
    const box = h('pre', { tabindex: '0', 'aria-label': 'Log' }), state = h('span', { class: 'quiet' })
    const details = h('details', { class: 'log', open }, h('summary', {}, 'Log ', state), box)
    const start = () => {
      leaveLog()
      fill(box)
      source = new EventSource(`/api/nodes/${encodeURIComponent(id)}/runs/${encodeURIComponent(cause)}/log`)
      state.textContent = 'follows'
      let pending = []
      const flush = () => {
        const below = box.scrollTop + box.clientHeight >= box.scrollHeight - 30
        box.append(...pending.splice(0).map((l) => h('span', { class: /FAILED|UNREACHABLE/.test(l.text) ? 'bad' : '' }, `${clock(l.time)} ${l.step.padEnd(12)} ${l.text}\n`)))
        while (box.childElementCount > LOG_LINES) box.firstChild.remove()
        if (below) box.scrollTop = box.scrollHeight
      }
      source.addEventListener('line', (event) => { if (pending.push(JSON.parse(event.data)) === 1) requestAnimationFrame(flush) })
      source.addEventListener('end', () => { state.textContent = box.childElementCount || pending.length ? 'whole' : 'nothing was logged'; leaveLog() })
      source.addEventListener('broken', (event) => { state.textContent = JSON.parse(event.data).error; leaveLog() })
      source.addEventListener('error', () => { if (source) { state.textContent = 'the connection is lost'; leaveLog() } })
    }
    details.addEventListener('toggle', () => (details.open ? start() : leaveLog()))
    return details
  }

  const drawMore = (node) => {
    const wish = node.wish, profile = node.profile
    const facts = {
      'node key': wish.node, status: wish.status + (wish.protected ? ', protected' : ''), serial: wish.serial || 'none', UUID: wish.uuid,
      BMC: wish.bmc ? wish.bmc.address : 'none', addresses: wish.interfaces.flatMap((i) => i.addresses.map((a) => `${a.cidr} (${i.name})`)).join(', ') || 'none',
      tags: wish.tags.join(', '), hardware: profile ? profile.sku.name : 'none', GPUs: profile && profile.sku.gpu_count ? `${profile.sku.gpu_count} × ${profile.sku.gpu_model}` : null,
      InfiniBand: profile && profile.sku.infiniband_ports ? `${profile.sku.infiniband_ports} ports` : null,
      release: profile ? `${profile.release.name} (${profile.release.image.name})` : null, 'chosen by': profile ? profile.chosen_by : null,
      mounts: wish.mounts.map((m) => `${m.source} on ${m.target}`).join(', '),
      accepted: node.accepted_at ? `${node.accepted_run}, ${day(node.accepted_at)}` : 'never',
      'last boot script': node.booted && node.booted.script ? `${node.booted.script}, ${day(node.booted.at)}` : null,
      'phoned home': node.booted && node.booted.phoned_home ? day(node.booted.phoned_home) : null,
    }
    fill(more,
      h('section', {}, h('h2', {}, 'What the inventory wants'), wish.problems.length ? h('ul', { class: 'bad' }, wish.problems.map((p) => h('li', {}, p))) : null,
        h('dl', {}, Object.entries(facts).filter(([, v]) => v).map(([name, v]) => [h('dt', {}, name), h('dd', {}, v)]))),
      h('section', {}, h('h2', {}, 'Runs'), node.runs.length ? h('ul', { class: 'runs' }, node.runs.map((r) => h('li', {},
        h('a', { href: `#/node/${id}/${r.cause}`, 'aria-current': r.cause === (wanted || node.cause) ? 'true' : null }, r.cause), ` ${r.workflow}, by ${r.asked_by}`, r.reason ? h('span', { class: 'quiet' }, `: ${r.reason}`) : null))) : h('p', { class: 'quiet' }, 'none')))
  }

  let waiting = 0
  const off = onNews((changed) => {
    if (changed !== null && !changed.includes(id)) return
    drawHead()
    clearTimeout(waiting)
    waiting = setTimeout(load, 150)
  })
  const ticking = setInterval(() => {
    drawHead()
    const row = site.rows.get(id), box = run.querySelector('.gantt')
    if (told && box && !told.outcome) gantt(box, told, row, now())
  }, 2000)
  drawHead()
  load()
  return () => { closed = true; off(); clearInterval(ticking); clearTimeout(waiting); leaveLog() }
}

function inWords(entry) {
  const [kind, ...who] = entry.split(' ')
  return [ENTRIES[kind] || kind, ...who].join(' ')
}

const WORST = ['fail', 'error', 'unknown', 'skip', 'warn', 'pass']

function burnIn(report) {
  if (!report) return null
  if (report.unreadable) return h('p', { class: 'bad' }, `The burn-in report can't be read: ${report.unreadable}`)
  const checks = [...report.checks].sort((a, b) => WORST.indexOf(a.verdict) - WORST.indexOf(b.verdict))
  const bad = checks.filter((c) => !['pass', 'warn'].includes(c.verdict)).length
  return h('details', { open: bad > 0 }, h('summary', {}, `Burn-in: ${bad ? `${bad} of ${checks.length} keep it out of service` : `all ${checks.length} passed`}`),
    h('div', { class: 'wide' }, h('table', {}, h('thead', {}, h('tr', {}, ['check', 'part', 'verdict', 'measured', 'expected', 'what to do'].map((t) => h('th', { scope: 'col' }, t)))),
      h('tbody', {}, checks.map((c) => h('tr', { class: `v-${c.verdict}` }, h('td', {}, c.id), h('td', {}, c.entity), h('td', {}, c.verdict), h('td', {}, c.measured), h('td', { title: c.source }, c.expected),
        h('td', {}, [c.message, c.action === 'none' ? '' : c.action].filter(Boolean).join(': '))))))),
    h('p', { class: 'quiet' }, `report ${report.sha256.slice(0, 16)}…, level ${report.level}`))
}
