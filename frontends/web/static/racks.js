// Racks as elevations: highest unit on top, a gap where units are free. A rack that is out of sight is an empty box of its
// height, so thousands of machines cost what is on the screen.

import { fill, h, reshape, shape } from './dom.js'
import { now } from './site.js'
import { leftWords, progress, shapeOf, stateWords } from './words.js'

const ROW = 28, HEAD = 34, UNIT = 3, MOST_GAP = 24
const NOWHERE = '(no rack)'

const order = new Intl.Collator(undefined, { numeric: true })

export class Racks {
  constructor(element) {
    this.element = element
    this.racks = new Map()
    this.near = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const rack = this.racks.get(entry.target.dataset.rack)
        if (rack) { rack.near = entry.isIntersecting; this.#draw(rack) }
      }
    }, { rootMargin: '600px' })
    element.addEventListener('keydown', (event) => this.#move(event))
  }

  close() { this.near.disconnect() }

  show(rows) {
    const grouped = new Map()
    for (const row of rows) {
      const name = row.rack || NOWHERE
      if (!grouped.has(name)) grouped.set(name, [])
      grouped.get(name).push(row)
    }
    const names = [...grouped.keys()].sort((a, b) => (a === NOWHERE) - (b === NOWHERE) || order.compare(a, b))
    for (const [name, rack] of this.racks) {
      if (!grouped.has(name)) { this.near.unobserve(rack.element); rack.element.remove(); this.racks.delete(name) }
    }
    let place = this.element.firstChild
    for (const name of names) {
      let rack = this.racks.get(name)
      if (!rack) {
        rack = this.#make(name)
        this.racks.set(name, rack)
        this.near.observe(rack.element)
      }
      if (rack.element !== place) this.element.insertBefore(rack.element, place)
      else place = place.nextSibling
      this.#fill(rack, grouped.get(name))
    }
  }

  tick() { for (const rack of this.racks.values()) if (rack.near) for (const row of rack.rows) this.#cell(rack, row) }

  #make(name) {
    const title = h('h3', {}, name), count = h('span', { class: 'quiet' }), body = h('ul', {})
    const element = h('section', { class: 'rack', 'data-rack': name, 'aria-label': `Rack ${name}` }, h('div', { class: 'head' }, title, count), body)
    return { name, element, count, body, rows: [], places: [], cells: new Map(), layout: '', near: false }
  }

  #fill(rack, rows) {
    const layout = rows.map((r) => `${r.id}@${r.u ?? ''}@${r.name}`).join()
    const changed = layout !== rack.layout
    if (changed) {
      const sorted = [...rows].sort((a, b) => (b.u ?? -1) - (a.u ?? -1) || order.compare(a.name, b.name))
      rack.places = rows.map((row) => sorted.indexOf(row))
    }
    rack.rows = new Array(rows.length)
    rows.forEach((row, i) => { rack.rows[rack.places[i]] = row })
    rows = rack.rows
    rack.layout = layout
    if (changed) {
      rack.cells.clear()
      rack.body.replaceChildren()
      rack.element.style.height = `${HEAD + rows.reduce((sum, r, i) => sum + ROW + gap(rows, i), 0) + 8}px`
    }
    const well = rows.filter((r) => r.state === 'in-service').length
    const words = `${well}/${rows.length}`
    if (rack.count.textContent !== words) { rack.count.textContent = words; rack.count.title = `${well} of ${rows.length} in service` }
    if (rack.near) this.#draw(rack)
  }

  #draw(rack) {
    if (!rack.near) { rack.body.replaceChildren(); rack.cells.clear(); return }
    if (rack.cells.size !== rack.rows.length) {
      rack.cells.clear()
      fill(rack.body, rack.rows.map((row, i) => {
        const cell = make(row)
        rack.cells.set(row.id, cell)
        cell.item.style.marginTop = `${gap(rack.rows, i)}px`
        return cell.item
      }))
    }
    for (const row of rack.rows) this.#cell(rack, row)
  }

  #cell(rack, row) {
    const cell = rack.cells.get(row.id)
    if (!cell) return
    const state = shapeOf(row), words = stateWords(row)
    const mine = row.count ? `${row.step} ${(row.index || 0) + 1}/${row.count}` : words
    const time = leftWords(row, now())
    const part = progress(row, now())
    const key = [state, words, mine, time, row.why, row.overdue, part === null ? '' : part.toFixed(3)].join('|')
    if (cell.key === key) return
    cell.key = key
    reshape(cell.shape, state)
    cell.item.className = `slot t-${state}${row.overdue ? ' overdue' : ''}`
    cell.name.textContent = row.name
    cell.said.textContent = row.overdue ? 'overdue' : time ? time.split(' ')[0].replace(',', '') : row.count ? row.step : ''
    cell.bar.hidden = part === null
    if (part !== null) cell.bar.style.transform = `scaleX(${part})`
    cell.link.title = [row.name, `${words}${row.count ? ` at ${mine}` : ''}`, time && `left ${time}`, row.why, row.next && `next: ${row.next}`].filter(Boolean).join('\n')
    cell.link.setAttribute('aria-label', `${row.name}, ${words}${row.count ? `, ${mine}` : ''}${time ? `, ${time} left` : ''}`)
  }

  // Up and down within a rack, left and right to the same place of the next one.
  #move(event) {
    const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key]
    const item = event.target.closest('.slot')
    if (!steps || !item) return
    event.preventDefault()
    const racks = [...this.element.children], rack = item.closest('.rack')
    const at = [...item.parentNode.children].indexOf(item)
    const next = steps[0] ? racks[racks.indexOf(rack) + steps[0]] : rack
    const items = next ? next.querySelectorAll('.slot a') : []
    const place = steps[0] ? Math.min(at, items.length - 1) : at + steps[1]
    if (items[place]) { items[place].focus(); items[place].scrollIntoView({ block: 'nearest' }) }
  }
}

// Pixels above a slot that stand for the free units between it and the one above.
function gap(rows, i) {
  if (i === 0 || rows[i].u === undefined || rows[i - 1].u === undefined || rows[i].u === null) return 0
  return Math.min(MOST_GAP, Math.max(0, rows[i - 1].u - rows[i].u - 1) * UNIT)
}

function make(row) {
  const icon = shape(shapeOf(row)), name = h('span', { class: 'n' }), said = h('span', { class: 's' }), bar = h('span', { class: 'bar' })
  const unit = row.u === undefined || row.u === null ? null : h('span', { class: 'u', 'aria-hidden': 'true' }, String(row.u))
  const link = h('a', { href: `#/node/${row.id}` }, unit, icon, name, said, bar)
  return { item: h('li', { class: 'slot' }, link), link, shape: icon, name, said, bar, key: '' }
}
