// A run's steps over time: solid where they ran, outlined as long as they usually take, dotted where they are still to come.

import { fill, h } from './dom.js'
import { clock, span } from './words.js'

export function gantt(box, run, row, now) {
  const bars = new Map(run.bars.map((b) => [b.step, b]))
  const from = Date.parse(run.bars.length ? run.bars[0].began : run.began || new Date(now).toISOString())
  const open = !run.outcome
  let at = run.bars.length ? Math.max(...run.bars.map((b) => Date.parse(b.end || new Date(now).toISOString()))) : from
  const placed = run.steps.map(({ step, usual }) => {
    const bar = bars.get(step)
    if (bar) {
      const began = Date.parse(bar.began), end = bar.end ? Date.parse(bar.end) : open ? now : at
      if (!bar.end && open && usual) at = Math.max(at, began + usual * 1000)
      return { step, usual, bar, began, end }
    }
    if (!open || !usual) return { step, usual }
    const began = at
    at += usual * 1000
    return { step, usual, began, end: at, ahead: true }
  })
  const until = Math.max(at, ...placed.map((p) => Math.max(p.end || 0, p.bar && p.usual ? p.began + p.usual * 1000 : 0)), from + 1000)
  const percent = (t) => `${Math.min(100, Math.max(0, (t - from) / (until - from) * 100)).toFixed(2)}%`
  const place = (element, began, end) => {
    element.style.left = percent(began)
    element.style.width = `max(3px, ${((Math.max(end, began) - began) / (until - from) * 100).toFixed(2)}%)`
    return element
  }
  const line = (p) => {
    const took = p.bar ? span((p.end - p.began) / 1000) : ''
    const state = !p.bar ? (p.ahead ? 'ahead' : 'none') : !p.bar.end && open ? 'on' : p.bar.well ? 'well' : 'ill'
    const usual = p.usual ? `usually ${span(p.usual)}` : ''
    const words = [took, usual, p.bar && p.bar.tries > 1 ? `${p.bar.tries} tries` : ''].filter(Boolean).join(' · ')
    return h('div', { class: `line g-${state}`, role: 'listitem', 'aria-label': `${p.step}: ${words || 'not begun'}${state === 'ill' ? ', did not end well' : ''}` },
      h('span', { class: 'step' }, p.step),
      h('span', { class: 'track' },
        p.usual && p.began && p.bar ? place(h('span', { class: 'usual' }), p.began, p.began + p.usual * 1000) : null,
        p.began ? place(h('span', { class: 'took', title: p.bar ? `${clock(p.began)} – ${p.bar.end ? clock(p.end) : 'now'}` : 'still to come' }), p.began, p.end) : null),
      h('span', { class: 'time' }, words))
  }
  fill(box, h('div', { role: 'list', 'aria-label': 'Steps of the run' }, placed.map(line)),
    h('div', { class: 'axis', 'aria-hidden': 'true' }, h('span', {}, clock(from)), h('span', {}, `${span((until - from) / 1000)}${open ? ' expected' : ''}`), h('span', {}, clock(until))))
}
