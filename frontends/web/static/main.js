// Starts the page: sign-in, the header, and which view the address names.

import { fill, h, tell } from './dom.js'
import { showFleet } from './fleet.js'
import { showNode } from './node.js'
import { call, load, site, stop } from './site.js'

const THEMES = ['auto', 'light', 'dark']
const main = document.getElementById('main')
let leave = null

function theme(name) {
  document.documentElement.dataset.theme = name
  try { localStorage.setItem('theme', name) } catch { /* a browser that keeps nothing */ }
}

function storedTheme() {
  try { return localStorage.getItem('theme') || 'auto' } catch { return 'auto' }
}

function header() {
  const top = document.getElementById('top')
  const change = h('button', { type: 'button', class: 'plain', title: 'Light, dark, or as the system has it' })
  const name = () => { change.textContent = `theme: ${document.documentElement.dataset.theme}` }
  change.addEventListener('click', () => {
    theme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length])
    name()
  })
  name()
  fill(top,
    h('a', { href: '#/', class: 'brand' }, 'bringup'),
    h('span', { class: 'where' }, site.me.site, h('span', { class: `mode m-${site.me.mode}` }, site.me.mode)),
    h('span', { class: 'who' }, `${site.me.name}, ${site.me.role}`),
    change,
    h('button', { type: 'button', class: 'plain', onclick: signOut }, 'sign out'))
}

async function signOut() {
  await call('POST', '/api/logout', {}).catch(() => null)
  stop()
  location.reload()
}

function signIn() {
  const token = h('input', { type: 'password', id: 'token', autocomplete: 'current-password', required: true, spellcheck: 'false' })
  const wrong = h('p', { class: 'bad', role: 'alert' })
  const submit = async (event) => {
    event.preventDefault()
    try { await call('POST', '/api/login', { token: token.value.trim() }); await start() }
    catch (error) { wrong.textContent = error.message; token.select() }
  }
  fill(document.getElementById('top'), h('span', { class: 'brand' }, 'bringup'))
  fill(main, h('form', { class: 'signin', onsubmit: submit },
    h('h1', {}, 'Sign in'),
    h('label', { for: 'token' }, 'Your token'), token, wrong,
    h('button', { type: 'submit', class: 'strong' }, 'Sign in'),
    h('p', { class: 'quiet' }, 'No token? Whoever runs bringup here makes one: bringup web token NAME')))
  token.focus()
}

function route() {
  if (leave) leave()
  const [, kind, id] = location.hash.split('/').map(decodeURIComponent)
  leave = kind === 'node' && id ? showNode(main, id, location.hash.split('/')[3] || null) : showFleet(main)
  window.scrollTo(0, 0)
}

async function start() {
  site.me = await call('GET', '/api/me')
  header()
  await load()
  window.addEventListener('hashchange', route)
  route()
}

document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input, textarea, select') || document.querySelector('dialog[open]')
  if (event.key === '/' && !typing) {
    const search = document.getElementById('search')
    if (search) { event.preventDefault(); search.focus() }
  }
  if (event.key === 'Escape' && !document.querySelector('dialog[open]') && location.hash.startsWith('#/node/')) location.hash = '#/'
})

theme(storedTheme())
start().catch((error) => {
  if (error.status === 401) signIn()
  else { fill(main, h('p', { class: 'bad' }, error.message)); tell(error.message, true) }
})
