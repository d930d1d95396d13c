/**
 * One card, drawn from the model's state. Text only ever becomes text nodes; there is no markup, address or
 * style in what the kernel sends.
 */

const SVG = 'http://www.w3.org/2000/svg';

function render({ model, el }) {
  const card = new Card(model);
  el.replaceChildren(card.node);
  const draw = () => card.draw();
  const names = ['view', 'actions', 'status', 'message', 'twin'];
  for (const name of names) {
    model.on(`change:${name}`, draw);
  }
  document.addEventListener('mlplat:ready', draw);
  model.send({ say: 'shown' });
  return () => {
    for (const name of names) {
      model.off(`change:${name}`, draw);
    }
    document.removeEventListener('mlplat:ready', draw);
    model.send({ say: 'hidden' });
  };
}

class Card {
  constructor(model) {
    this.model = model;
    this.asking = null;
    this.node = make('section', 'mlplat-Card');
    this.head = make('div', 'mlplat-Card-head');
    this.body = make('div', 'mlplat-Card-body');
    this.foot = make('div', 'mlplat-Card-foot');
    this.foot.setAttribute('role', 'status');
    this.title = make('span', 'mlplat-Card-title');
    this.state = make('span', 'mlplat-Card-state');
    this.state.setAttribute('role', 'status');
    this.buttons = make('span', 'mlplat-Card-buttons');
    this.head.append(this.title, this.state, this.buttons);
    this.node.append(this.head, this.body, this.foot);
    this.draw();
  }

  draw() {
    const view = this.model.get('view');
    this.node.setAttribute('aria-label', view.title);
    this.node.dataset.status = this.model.get('status');
    this.node.twin = this.model.get('twin');
    setText(this.title, view.title);
    setText(this.state, view.state ? view.state.text : '');
    this.state.dataset.mood = view.state ? view.state.mood : 'plain';
    this.drawButtons(view);
    this.body.replaceChildren(...drawBody(view));
    setText(this.foot, this.note());
  }

  note() {
    const message = this.model.get('message');
    if (message) {
      return message;
    }
    return this.model.get('status') === 'lost'
      ? 'The engine does not answer: this is how things were last seen.'
      : '';
  }

  /** Drawn anew only when they are others, so that the focus stays where it is. */
  drawButtons(view) {
    const actions = this.model.get('actions');
    const opens = view.link && canOpen(this.node, view.link);
    const key = JSON.stringify([actions, opens && view.link, this.asking]);
    if (key === this.key) {
      return;
    }
    this.key = key;
    const hadFocus = this.buttons.contains(document.activeElement);
    const asked = actions.find(action => action.name === this.asking);
    const buttons = asked
      ? [
          button(asked.label, () => this.act(asked), 'danger'),
          button('Keep', () => this.ask(null))
        ]
      : actions.map(action =>
          button(action.label, () =>
            action.question ? this.ask(action.name) : this.act(action)
          )
        );
    if (opens && !asked) {
      buttons.push(button('Open in panel', () => open(this.node, view.link)));
    }
    this.buttons.replaceChildren(
      ...(asked ? [make('span', 'mlplat-Card-question', asked.question)] : []),
      ...buttons
    );
    if (hadFocus) {
      buttons[asked ? 1 : 0]?.focus();
    }
  }

  ask(name) {
    this.asking = name;
    this.draw();
  }

  act(action) {
    this.asking = null;
    this.model.send({ say: 'act', name: action.name });
    this.draw();
  }
}

function drawBody(view) {
  const parts = [];
  if (view.progress !== null) {
    parts.push(drawProgress(view));
  }
  if (view.facts.length > 0) {
    const list = make('dl', 'mlplat-Facts');
    for (const [label, cell] of view.facts) {
      const value = make('dd');
      value.append(drawCell(cell));
      list.append(make('dt', '', label), value);
    }
    parts.push(list);
  }
  if (view.series.length > 0) {
    const group = make('div', 'mlplat-SeriesGroup');
    group.append(...view.series.map(drawSeries));
    parts.push(group);
  }
  if (view.charts.length > 0) {
    const group = make('div', 'mlplat-Charts');
    group.append(...view.charts.map(drawChart));
    parts.push(group);
  }
  parts.push(...view.tables.map(table => drawTable(table, view.title)));
  if (view.empty) {
    parts.push(make('p', 'mlplat-Quiet', view.empty));
  }
  for (const note of view.notes) {
    const line = make('p', 'mlplat-Note');
    line.append(drawCell(note));
    parts.push(line);
  }
  if (view.block) {
    const block = make('pre', 'mlplat-Block', view.block);
    block.tabIndex = 0;
    parts.push(block);
  }
  return parts;
}

function drawProgress(view) {
  const percent = Math.round(100 * Math.min(1, Math.max(0, view.progress)));
  const track = make('div', 'mlplat-Progress');
  track.setAttribute('role', 'progressbar');
  track.setAttribute('aria-label', view.title);
  track.setAttribute('aria-valuemin', '0');
  track.setAttribute('aria-valuemax', '100');
  track.setAttribute('aria-valuenow', String(percent));
  const bar = make('div', 'mlplat-Progress-bar');
  bar.dataset.mood = view.state ? view.state.mood : 'busy';
  bar.style.width = `${percent}%`;
  track.append(bar);
  return track;
}

function drawTable(table, title) {
  const scroll = make('div', 'mlplat-Scroll');
  const node = make('table', 'mlplat-Table');
  node.setAttribute('aria-label', title);
  const head = document.createElement('thead');
  const heads = document.createElement('tr');
  table.headers.forEach((header, index) => {
    const cell = make('th', '', header);
    cell.scope = 'col';
    cell.dataset.right = String(table.right[index]);
    heads.append(cell);
  });
  head.append(heads);
  const body = document.createElement('tbody');
  for (const row of table.rows) {
    const line = document.createElement('tr');
    row.forEach((cell, index) => {
      const node = make('td');
      node.dataset.right = String(table.right[index]);
      node.append(drawCell(cell));
      line.append(node);
    });
    body.append(line);
  }
  node.append(head, body);
  scroll.append(node);
  return scroll;
}

function drawCell(cell) {
  if (cell.link && canOpen(document, cell.link)) {
    const link = button(cell.text, event => open(event.target, cell.link));
    link.className = 'mlplat-Link';
    return link;
  }
  const span = make('span', '', cell.text);
  span.dataset.mood = cell.mood;
  return span;
}

function drawSeries(series) {
  const tile = make('div', 'mlplat-Series');
  tile.append(
    make('span', 'mlplat-Series-name', series.name),
    make('span', 'mlplat-Series-value', series.text)
  );
  if (series.values.length > 1) {
    tile.append(drawLine(series.values));
  }
  return tile;
}

/** A line through the values; what is not finite is a gap. */
function drawLine(values) {
  const known = values.filter(value => value !== null);
  const low = Math.min(...known);
  const range = Math.max(...known) - low || 1;
  const at = (value, index) =>
    `${((96 * index) / (values.length - 1) + 2).toFixed(1)} ` +
    (22 - (20 * (value - low)) / range).toFixed(1);
  let path = '';
  let isDown = false;
  values.forEach((value, index) => {
    path += value === null ? '' : `${isDown ? 'L' : 'M'}${at(value, index)}`;
    isDown = value !== null;
  });
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'mlplat-Series-line');
  svg.setAttribute('viewBox', '0 0 100 24');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** A chart as it was laid out: what is sent are places, lines and words. */
function drawChart(chart) {
  const svg = shape('svg', 'mlplat-Chart', {
    viewBox: `0 0 ${chart.width} ${chart.height}`,
    role: 'img',
    'aria-label': chart.text
  });
  for (const [d, colour] of chart.paths) {
    svg.append(colored(shape('path', 'mlplat-Chart-line', { d }), colour));
  }
  for (const [cx, cy, colour, label] of chart.dots) {
    const dot = colored(
      shape('circle', 'mlplat-Chart-dot', { cx, cy, r: 2.6 }),
      colour
    );
    const title = shape('title');
    title.textContent = label;
    dot.append(title);
    svg.append(dot);
  }
  for (const label of chart.labels) {
    const text = shape('text', 'mlplat-Chart-label', {
      x: label.x,
      y: label.y,
      'text-anchor': label.anchor
    });
    text.textContent = label.text;
    text.dataset.title = String(label.title);
    svg.append(colored(text, label.colour));
  }
  return svg;
}

function shape(tag, className = '', attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  if (className) {
    node.setAttribute('class', className);
  }
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  return node;
}

function colored(node, colour) {
  node.dataset.colour = colour === null ? 'none' : String(colour);
  return node;
}

/** Ask whether somebody on this page opens such links: the panel, where it is installed. */
function canOpen(node, link) {
  return !dispatch(node, 'mlplat:can-open', link);
}

function open(node, link) {
  dispatch(node, 'mlplat:open', link);
}

function dispatch(node, kind, link) {
  const target = node.isConnected ? node : document;
  return target.dispatchEvent(
    new CustomEvent(kind, {
      bubbles: true,
      cancelable: true,
      composed: true,
      detail: { link }
    })
  );
}

function button(label, onClick, tone = '') {
  const node = make('button', 'mlplat-Button', label);
  node.type = 'button';
  node.dataset.tone = tone;
  node.addEventListener('click', onClick);
  return node;
}

function make(tag, className = '', text = '') {
  const node = document.createElement(tag);
  if (className) {
    node.className = className;
  }
  if (text) {
    node.textContent = text;
  }
  return node;
}

/** Set only what is another text: a status is read out at every change. */
function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export default { render };
