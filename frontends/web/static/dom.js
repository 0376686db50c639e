// Elements from data. Text is always set as text: nothing from outside ever becomes markup.

const SVG = 'http://www.w3.org/2000/svg'

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'class') element.className = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false))
  return element
}

// A state's shape; colour comes from the class, the shape tells it without colour.
export function shape(name, label) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('class', `shape c-${name}`)
  svg.setAttribute('viewBox', '0 0 16 16')
  if (label) { svg.setAttribute('role', 'img'); svg.setAttribute('aria-label', label) }
  else svg.setAttribute('aria-hidden', 'true')
  const use = document.createElementNS(SVG, 'use')
  use.setAttribute('href', `#s-${name}`)
  svg.append(use)
  return svg
}

export function reshape(svg, name) {
  svg.setAttribute('class', `shape c-${name}`)
  svg.firstChild.setAttribute('href', `#s-${name}`)
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false))
}

let clearing = 0
export function tell(sentence, bad = false) {
  const told = document.getElementById('told')
  told.textContent = sentence
  told.className = bad ? 'shown bad' : 'shown'
  clearTimeout(clearing)
  clearing = setTimeout(() => { told.className = '' }, bad ? 12000 : 6000)
}
