// A command: first shown as it would be, then confirmed, then sent; what came of it is said for each node.

import { h, tell } from './dom.js'
import { call } from './site.js'

export async function act(verb, select, rows) {
  let preview
  try { preview = await call('POST', '/api/preview', { verb, select }) }
  catch (error) { tell(error.message, true); return }
  confirm(preview, rows)
}

function confirm(preview, rows) {
  const reason = h('input', { id: 'reason', maxlength: 1000, autocomplete: 'off', placeholder: 'stands in the journal' })
  const typed = preview.destroys ? h('input', { id: 'typed', autocomplete: 'off', spellcheck: 'false' }) : null
  const word = preview.count === 1 && rows.length ? rows[0].name : String(preview.count)
  const send = h('button', { type: 'submit', class: preview.destroys ? 'danger' : 'strong' }, `${preview.verb} ${preview.count === 1 ? '1 node' : `${preview.count} nodes`}`)
  const said = h('div', { role: 'status' })
  const ready = () => { send.disabled = Boolean(preview.refusal) || (typed !== null && typed.value.trim() !== word) }
  if (typed) typed.addEventListener('input', ready)
  const names = preview.nodes.map((n) => n.name)
  const more = preview.count - names.length
  const dialog = h('dialog', { 'aria-labelledby': 'ask' },
    h('form', { onsubmit: async (event) => {
      event.preventDefault()
      send.disabled = true
      try {
        const outcome = await call('POST', '/api/commands', {
          verb: preview.verb, select: preview.select, reason: reason.value, after: preview.after, digest: preview.digest,
        })
        tell(`${preview.verb}: ${outcome.text}`, !outcome.accepted)
        const refused = outcome.nodes.filter((n) => !n.accepted)
        if (!refused.length && outcome.accepted) { dialog.close(); return }
        said.replaceChildren(h('p', { class: outcome.accepted ? '' : 'bad' }, outcome.text),
          h('ul', {}, refused.slice(0, 20).map((n) => h('li', {}, h('b', {}, n.label), ` ${n.text}`))))
      } catch (error) {
        said.replaceChildren(h('p', { class: 'bad' }, error.message))
        ready()
      }
    } },
    h('h2', { id: 'ask' }, `${preview.verb}: ${preview.about}`),
    names.length ? h('p', { class: 'names' }, names.join(', '), more > 0 ? ` and ${more} more` : '') : null,
    preview.says ? h('p', {}, preview.says) : null,
    preview.steps.length ? h('ol', { class: 'plan' }, preview.steps.map((s) => h('li', { class: s.destroys ? 'destroys' : '' }, s.step, s.destroys ? ' (destroys data)' : ''))) : null,
    preview.refusal ? h('p', { class: 'bad', role: 'alert' }, `Not yours to send: ${preview.refusal}`) : null,
    h('label', { for: 'reason' }, 'Why'), reason,
    typed ? [h('label', { for: 'typed' }, 'This may destroy data or stop a machine. Type ', h('b', {}, word), ' to confirm'), typed] : null,
    said,
    h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Close'), send)))
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  ready()
  dialog.showModal()
  ;(typed || reason).focus()
}
