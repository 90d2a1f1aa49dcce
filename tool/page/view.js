'use strict';
(async function () {
/* Kinds of chunks, in the order of the file. */
const KINDS = ['in use', 'cached', 'depot', 'remote', 'in quarantine', 'on its way', 'fast bin', 'unsorted',
  'small bin', 'large bin', 'top', 'fence', 'mapped', 'kept', 'broken'];
const LIVE = 0, TOP = 10, FENCE = 11, BROKEN = 14, RECORDED = 15;
const isCached = k => k >= 1 && k <= 6;
const isFree = k => k >= 7 && k <= 9;
const $ = id => document.getElementById(id);
const meta = JSON.parse($('meta').textContent);

/* --- data ---------------------------------------------------------------- */

async function unpack() {
  const text = $('blob').textContent;
  const raw = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  if ($('blob').dataset.coding !== 'deflate') return raw;
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const blob = await unpack();
const view = { color: 'state', level: 0, row: 0, cursor: 0n, selected: null, cols: 64, px: 8 };
const LEVELS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

/* Chunks of one heap: start[i] is the offset of chunk i from the first, in units of 16. */
function readHeap(h) {
  let at = h.at;
  const varint = () => {
    let n = 0, shift = 1, b;
    do { b = blob[at++]; n += (b & 127) * shift; shift *= 128; } while (b & 128);
    return n;
  };
  const start = new Float64Array(h.count + 1), kind = new Uint8Array(h.count);
  const slack = new Uint16Array(h.count).fill(65535);
  let place = h.skip / 16;
  for (let i = 0; i < h.count; i++) {
    const n = varint();
    let k = n % 16;
    start[i] = place;
    place += (n - k) / 16;
    if (k === RECORDED) { slack[i] = Math.min(varint(), 65534); k = LIVE; }
    kind[i] = k;
  }
  start[h.count] = place;
  return { start, kind, slack };
}

const heaps = meta.heaps.map((h, index) => {
  const base = BigInt(h.base), bytes = Number(BigInt(h.end) - base);
  return Object.assign(h, { index, base, bytes, lead: Number(BigInt(h.first) - base), chunks: readHeap(h),
    pages: [], complete: h.coarse_count === 0 });
});
const page = meta.page;

/* Page sums [live, cached, free, top] of a heap, and coarser ones, each 4 of the one below. */
function buildPages(h) {
  const unit = h.complete ? 4096 : 65536;
  const n = Math.ceil(h.bytes / unit) || 1;
  const sums = new Float32Array(4 * n);
  if (h.complete) {
    const { start, kind } = h.chunks;
    for (let i = 0; i < h.count; i++) {
      const k = kind[i], slot = k === LIVE ? 0 : isCached(k) ? 1 : isFree(k) ? 2 : k === TOP ? 3 : -1;
      if (slot < 0) continue;
      let from = start[i] * 16;
      const to = start[i + 1] * 16;
      while (from < to) {
        const p = Math.floor(from / unit), stop = Math.min(to, (p + 1) * unit);
        sums[4 * p + slot] += stop - from;
        from = stop;
      }
    }
  } else {
    for (let i = 0; i < 4 * Math.min(n, h.coarse_count); i++)
      sums[i] = blob[h.coarse_at + i] / 255 * unit;
  }
  h.pages = [{ unit, sums }];
  while (h.pages[h.pages.length - 1].sums.length > 8) {
    const below = h.pages[h.pages.length - 1], count = Math.ceil(below.sums.length / 16);
    const up = new Float32Array(4 * count);
    for (let i = 0; i < below.sums.length; i++) up[4 * (i >> 4) + (i & 3)] += below.sums[i];
    h.pages.push({ unit: below.unit * 4, sums: up });
  }
}
heaps.forEach(buildPages);

/* What is told of the page at an offset: nothing where it is not known. */
function residence(h, offset) {
  return !h.resident_count ? '' : resident(h, offset) ? 'resident' : 'not resident';
}

/* Is the page at an offset resident? Unknown counts as yes. */
function resident(h, offset) {
  if (!h.resident_count) return true;
  const p = Math.floor((Number(h.base % BigInt(page)) + offset) / page);
  return p >= h.resident_count || (blob[h.resident_at + (p >> 3)] >> (p & 7) & 1) === 1;
}

function chunkAt(h, offset) {
  const start = h.chunks.start, unit = offset / 16;
  if (h.count === 0 || unit < start[0] || unit >= start[h.count]) return -1;
  let low = 0, high = h.count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (start[middle] <= unit) low = middle; else high = middle - 1;
  }
  return low;
}

/* --- text ---------------------------------------------------------------- */

const hex = n => '0x' + n.toString(16);
function size(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (n >= 1024 && i < 4) { n /= 1024; i++; }
  return (i ? n.toFixed(1) : n) + ' ' + units[i];
}
const nameOf = h => h.name;
/* Names count from the first chunk, which need not start the heap's first page. */
const place = (h, offset) => offset < h.lead ? hex(h.base + BigInt(offset)) : `${nameOf(h)}+${hex(offset - h.lead)}`;

function describe(h, i) {
  const { start, kind, slack } = h.chunks;
  const offset = start[i] * 16, bytes = (start[i + 1] - start[i]) * 16, k = kind[i];
  const side = j => j < 0 || j >= h.count ? 'none' :
    `${KINDS[kind[j]]}, ${size((start[j + 1] - start[j]) * 16)}`;
  let text = `${KINDS[k]}: chunk ${place(h, offset)}\nat ${hex(h.base + BigInt(offset))}, ` +
    `size ${hex(bytes)} (${size(bytes)})\n`;
  if (k === LIVE) {
    text += `block ${hex(h.base + BigInt(offset) + 16n)}, usable ${bytes - 8}`;
    if (slack[i] !== 65535) text += `, asked ${bytes - 8 - slack[i]}, slack ${slack[i]}`;
    text += '\n';
  }
  text += `before it: ${side(i - 1)}\nbehind it: ${side(i + 1)}\n` +
    `chunk ${i + 1} of ${h.count} known in this heap`;
  return h.resident_count ? `${text}\nits page is ${residence(h, offset)}` : text;
}

/* --- geometry ------------------------------------------------------------ */

const canvas = $('map'), pen = canvas.getContext('2d');
const LEFT = 92;
function measure() {
  const ratio = window.devicePixelRatio || 1;
  const box = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(box.width * ratio));
  canvas.height = Math.max(1, Math.round(box.height * ratio));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  view.w = box.width;
  view.h = box.height;
  const unit = LEVELS[view.level];
  view.px = unit === 1 ? 14 : unit >= 65536 ? 5 : 8;
  const most = Math.max(16, Math.floor((box.width - LEFT - 10) / view.px));
  view.cols = 1 << Math.floor(Math.log2(most));
  view.px = Math.max(view.px, Math.min(13, Math.floor((box.width - LEFT - 170) / view.cols)));
  view.line = view.px + (unit <= 16 ? 4 : 0);
}
const rowBytes = () => view.cols * LEVELS[view.level];
const titleRows = () => Math.ceil(13 / view.line); /* above each heap */
const heapRows = h => Math.ceil(h.bytes / rowBytes()) + titleRows();
const visible = () => Math.max(1, Math.floor(view.h / view.line));

/* Row number of an offset in a heap, and back. */
function rowOf(h, offset) {
  let row = 0;
  for (let i = 0; i < h.index; i++) row += heapRows(heaps[i]);
  return row + titleRows() + Math.floor(offset / rowBytes());
}
function atRow(row) {
  for (const h of heaps) {
    const n = heapRows(h);
    if (row < n) return { h, offset: (row - titleRows()) * rowBytes() };
    row -= n;
  }
  return null;
}
const totalRows = () => heaps.reduce((n, h) => n + heapRows(h), 0);

/* --- colours ------------------------------------------------------------- */

let palette = {};
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['back', 'text', 'dim', 'line', 'live', 'live2', 'slack', 'cached', 'free',
    'top', 'header', 'bad', 'gone', 'mark'])
    palette[name] = style.getPropertyValue('--' + name).trim();
}
/* From blue to orange, in even steps of lightness. */
const HUES = ['#12408f', '#1f6fd6', '#6fb4ee', '#cfd6c4', '#f0b030', '#c25a00'];
const hueOfSize = bytes => HUES[Math.min(5, Math.floor(Math.max(0, Math.log2(bytes) - 5) / 2))];

function liveColor(h, i, bytes) {
  if (view.color === 'size') return hueOfSize(bytes);
  if (view.color === 'arena') return HUES[h.arena % 6];
  return i & 1 ? palette.live2 : palette.live;
}
function chunkColor(h, i) {
  const { start, kind } = h.chunks, k = kind[i];
  if (k === LIVE) return liveColor(h, i, (start[i + 1] - start[i]) * 16);
  if (isCached(k)) return palette.cached;
  if (isFree(k)) return palette.free;
  return k === TOP ? palette.top : k === BROKEN ? palette.bad : palette.header;
}
const GLYPHS = ['o', 'c', 'c', 'c', 'c', 'c', 'c', '-', '-', '-', '~', '#', 'M', 'k', '!'];

/* --- drawing ------------------------------------------------------------- */

/* One cell of at most a page: the chunk in its middle, its header told apart. */
function drawFine(h, offset, unit, x, y) {
  let i = chunkAt(h, offset + (unit === 1 ? 0 : unit / 2));
  /* The word before a header is the last one of the chunk before. */
  if (i > 0 && unit < 16 && offset - h.chunks.start[i] * 16 < 8) i--;
  if (i < 0) {
    hatch(x, y, view.px, view.px);
    return;
  }
  const { start, kind, slack } = h.chunks;
  const into = offset - start[i] * 16, bytes = (start[i + 1] - start[i]) * 16;
  const head = unit <= 16 ? into < 16 && (unit === 16 || into >= 8) : false;
  let color = head ? palette.header : chunkColor(h, i), glyph = head ? '#' : GLYPHS[kind[i]];
  if (!head && kind[i] === LIVE && slack[i] !== 65535 && unit <= 16 &&
      into >= 16 + bytes - 8 - slack[i]) {
    color = palette.slack;
    glyph = '.';
  }
  if (!resident(h, offset)) { pen.globalAlpha = 0.35; }
  pen.fillStyle = color;
  pen.fillRect(x, y, view.px - (into + unit >= bytes ? 1 : 0), view.px - 1);
  pen.globalAlpha = 1;
  if (view.selected && view.selected.h === h && kind[i] === LIVE &&
      view.selected.bytes === bytes && view.selected.kind === LIVE) {
    pen.fillStyle = palette.mark;
    pen.fillRect(x, y + view.px - 3, view.px, 2);
  }
  if (unit === 1) {
    const b = byteAt(h, offset);
    pen.fillStyle = !head && (kind[i] === TOP || isFree(kind[i]) || color === palette.slack) ? palette.text : palette.back;
    pen.fillText(b === null ? glyph : b.toString(16).padStart(2, '0'), x + (b === null ? 4 : 1), y + 10);
  }
}

function hatch(x, y, w, h) {
  pen.strokeStyle = palette.line;
  pen.beginPath();
  pen.moveTo(x, y + h - 1);
  pen.lineTo(x + w - 1, y);
  pen.stroke();
}

/* One cell of a page or more: five steps by how much of it is in use. */
function drawCoarse(h, offset, unit, x, y) {
  const level = h.pages.find(p => p.unit >= unit) || h.pages[h.pages.length - 1];
  if (unit < h.pages[0].unit) { hatch(x, y, view.px, view.px); return; }
  let live = 0, cached = 0, free = 0, top = 0;
  if (level.unit === unit) {
    const at = 4 * Math.floor(offset / unit);
    [live, cached, free, top] = level.sums.subarray(at, at + 4);
  } else {
    const step = level.unit > unit ? h.pages[0] : level, n = unit / step.unit;
    const first = Math.floor(offset / step.unit);
    for (let i = first; i < first + n && 4 * i < step.sums.length; i++) {
      live += step.sums[4 * i]; cached += step.sums[4 * i + 1];
      free += step.sums[4 * i + 2]; top += step.sums[4 * i + 3];
    }
  }
  const w = view.px - 1, here = resident(h, offset);
  if (live > 0) {
    const step = Math.min(5, Math.ceil(live / unit * 5));
    const i = view.color === 'state' ? 0 : chunkAt(h, offset + unit / 2);
    pen.fillStyle = view.color === 'state' || i < 0 ? view.color === 'arena' ? HUES[h.arena % 6] : palette.live
      : liveColor(h, 0, (h.chunks.start[i + 1] - h.chunks.start[i]) * 16);
    pen.globalAlpha = 0.2 * step;
  } else {
    pen.fillStyle = !here ? palette.gone : cached >= free && cached >= top && cached > 0
      ? palette.cached : top > free ? palette.top : palette.free;
  }
  pen.fillRect(x, y, w, w);
  pen.globalAlpha = 1;
  if (live === 0 && here && free > 0 && view.px >= 8) hatch(x, y, w, w);
}

function drawRow(h, offset, y) {
  const unit = LEVELS[view.level];
  pen.fillStyle = palette.dim;
  const labelled = view.line >= 11 || Math.round(offset / rowBytes()) % 2 === 0;
  if (labelled) {
    pen.fillText('+' + offset.toString(16).padStart(8, '0'), 8, y + Math.min(10, view.px + 1));
    if (unit >= h.pages[0].unit) rowNote(h, offset, y);
  }
  for (let c = 0; c < view.cols; c++) {
    const at = offset + c * unit;
    if (at >= h.bytes) break;
    if (unit < 4096) drawFine(h, at, unit, LEFT + c * view.px, y);
    else drawCoarse(h, at, unit, LEFT + c * view.px, y);
  }
}

/* How much of a row is in use, at its right end. */
function rowNote(h, offset, y) {
  const p = h.pages[0], bytes = Math.min(rowBytes(), h.bytes - offset);
  let live = 0;
  for (let i = Math.floor(offset / p.unit); i * p.unit < offset + bytes && 4 * i < p.sums.length; i++) live += p.sums[4 * i];
  pen.fillText(`${Math.round(100 * live / bytes)} % of ${size(bytes)}`, LEFT + view.cols * view.px + 8, y + Math.min(10, view.px + 1));
}

function drawTitle(h, y) {
  pen.fillStyle = palette.text;
  pen.fillText(`arena ${h.arena}${h.main ? ' (break)' : ''}  ${nameOf(h)} = ${h.first}  ` +
    `${size(h.bytes)}`, 8, y + 10);
}

let pending = false;
const stats = { frames: 0, ms: 0 };
function draw() {
  pending = false;
  const begin = performance.now();
  pen.fillStyle = palette.back;
  pen.fillRect(0, 0, view.w, view.h);
  pen.font = '11px monospace';
  view.row = Math.max(0, Math.min(view.row, totalRows() - Math.floor(visible() / 2)));
  for (let r = 0; r <= visible(); r++) {
    const at = atRow(Math.floor(view.row) + r);
    if (!at) break;
    if (at.offset === -titleRows() * rowBytes()) drawTitle(at.h, r * view.line);
    else if (at.offset >= 0) drawRow(at.h, at.offset, r * view.line);
  }
  drawMark();
  stats.frames++;
  stats.ms = performance.now() - begin;
  $('scale').textContent = `a cell is ${size(LEVELS[view.level])}`;
}
function drawMark() {
  const s = view.selected;
  if (!s) return;
  const r = rowOf(s.h, s.offset) - Math.floor(view.row);
  const c = Math.floor(s.offset % rowBytes() / LEVELS[view.level]);
  pen.strokeStyle = palette.mark;
  pen.lineWidth = 2;
  pen.strokeRect(LEFT + c * view.px - 1, r * view.line - 1, view.px + 1, view.px + 1);
  pen.lineWidth = 1;
}
function redraw() {
  if (!pending) { pending = true; requestAnimationFrame(draw); }
}

/* --- acting -------------------------------------------------------------- */

function byteAt(h, offset) {
  const address = h.base + BigInt(offset);
  for (const b of meta.bytes) {
    const into = Number(address - BigInt(b.start));
    if (into >= 0 && into < b.length) return blob[b.at + into];
  }
  return null;
}

function showHex(h, offset) {
  const rows = [];
  for (let r = 0; r < 8; r++) {
    let line = (h.base + BigInt(offset + 16 * r)).toString(16) + ' ', text = '';
    for (let i = 0; i < 16; i++) {
      const b = byteAt(h, offset + 16 * r + i);
      if (b === null) { $('hex').hidden = r === 0; $('hex').textContent = rows.join('\n'); return; }
      line += ' ' + b.toString(16).padStart(2, '0');
      text += b >= 32 && b < 127 ? String.fromCharCode(b) : '.';
    }
    rows.push(line + '  ' + text);
  }
  $('hex').hidden = false;
  $('hex').textContent = rows.join('\n');
}

function pageText(h, offset) {
  const unit = LEVELS[view.level];
  const p = h.pages[0], from = Math.floor(offset / p.unit);
  const to = Math.max(from + 1, Math.ceil((offset + unit) / p.unit));
  let live = 0, cached = 0, free = 0, top = 0;
  for (let i = from; i < to && 4 * i < p.sums.length; i++) {
    live += p.sums[4 * i]; cached += p.sums[4 * i + 1];
    free += p.sums[4 * i + 2]; top += p.sums[4 * i + 3];
  }
  const whole = (to - from) * p.unit;
  return `${place(h, from * p.unit)}, ${size(whole)}\nin use ${size(live)} (${Math.round(100 * live / whole)} %), ` +
    `cached ${size(cached)}, free ${size(free)}, top ${size(top)}\n` +
    residence(h, offset);
}

function select(h, offset, follow) {
  offset = Math.max(0, Math.min(offset, h.bytes - 1));
  const i = chunkAt(h, offset);
  view.selected = { h, offset, i, bytes: 0, kind: -1 };
  if (i >= 0) {
    view.selected.bytes = (h.chunks.start[i + 1] - h.chunks.start[i]) * 16;
    view.selected.kind = h.chunks.kind[i];
  }
  const unit = LEVELS[view.level];
  $('selected').textContent = unit >= 4096 || i < 0 ? pageText(h, offset) + (i >= 0 ? '\n\n' + describe(h, i) : '')
    : describe(h, i);
  showHex(h, i >= 0 ? h.chunks.start[i] * 16 : offset - offset % 16);
  history.replaceState(null, '', `#a=${hex(h.base + BigInt(offset))}&z=${view.level}`);
  if (follow) {
    const r = rowOf(h, offset);
    if (r < view.row || r >= view.row + visible() - 1) view.row = Math.max(0, r - Math.floor(visible() / 3));
  }
  redraw();
}

function zoom(by) {
  const s = view.selected, level = Math.max(0, Math.min(LEVELS.length - 1, view.level + by));
  const anchor = s || (() => {
    const at = atRow(Math.floor(view.row) + titleRows()) || { h: heaps[0], offset: 0 };
    return { h: at.h, offset: Math.max(0, at.offset) };
  })();
  if (level === view.level || !anchor.h) return;
  view.level = level;
  measure();
  view.row = Math.max(0, rowOf(anchor.h, anchor.offset) - Math.floor(visible() / 3));
  if (s) select(s.h, s.offset, false);
  legend();
  redraw();
}

function cellAt(event) {
  const box = canvas.getBoundingClientRect();
  const r = Math.floor((event.clientY - box.top) / view.line) + Math.floor(view.row);
  const c = Math.floor((event.clientX - box.left - LEFT) / view.px);
  const at = atRow(r);
  if (!at || at.offset < 0 || c < 0 || c >= view.cols) return null;
  const offset = at.offset + c * LEVELS[view.level];
  return offset < at.h.bytes ? { h: at.h, offset } : null;
}

function goTo(text) {
  let address;
  try { address = BigInt(/^[0-9a-f]+$/i.test(text) && !/^\d+$/.test(text) ? '0x' + text : text.trim()); } catch { address = -1n; }
  const relative = /^(.+)\+(0x[0-9a-f]+|\d+)$/i.exec(text.trim());
  for (const h of heaps) {
    if (relative && nameOf(h) === relative[1]) { select(h, Number(relative[2]) + h.lead, true); return true; }
    if (address >= h.base && address < h.base + BigInt(h.bytes)) {
      select(h, Number(address - h.base), true);
      return true;
    }
  }
  $('selected').textContent = `${text}: in no heap of this page`;
  return false;
}

/* The next page that is resident and nearly empty. */
function nextWaste() {
  const s = view.selected || { h: heaps[0], offset: -1 };
  for (let n = 0, h = s.h, from = s.offset + 1; n <= heaps.length; n++) {
    const p = h.pages[0];
    for (let i = Math.ceil(from / p.unit); 4 * i < p.sums.length; i++)
      if (p.sums[4 * i] > 0 && p.sums[4 * i] < p.unit / 10 && resident(h, i * p.unit)) {
        select(h, i * p.unit, true);
        return;
      }
    h = heaps[(h.index + 1) % heaps.length];
    from = 0;
  }
}

function step(by) {
  const s = view.selected;
  if (!s || s.i < 0) return;
  const i = s.i + by;
  if (i >= 0 && i < s.h.count) select(s.h, s.h.chunks.start[i] * 16, true);
}

function setColor(color) {
  view.color = color;
  for (const b of $('colors').querySelectorAll('button')) b.setAttribute('aria-pressed', b.dataset.color === color);
  legend();
  redraw();
}
function setTheme(dark) {
  document.documentElement.classList.toggle('dark', dark);
  readPalette();
  legend();
  histogram();
  redraw();
}

function key(event) {
  if (event.target === $('address')) return;
  const unit = LEVELS[view.level], s = view.selected || { h: heaps[0], offset: 0 };
  const move = { ArrowLeft: -unit, ArrowRight: unit, ArrowUp: -rowBytes(), ArrowDown: rowBytes(),
    PageUp: -rowBytes() * (visible() - 1), PageDown: rowBytes() * (visible() - 1) }[event.key];
  if (!s.h) return;
  if (move !== undefined) {
    let h = s.h, offset = view.selected ? s.offset + move : 0;
    if (offset < 0 && h.index > 0) { h = heaps[h.index - 1]; offset = h.bytes - 1; }
    else if (offset >= h.bytes && h.index + 1 < heaps.length) { h = heaps[h.index + 1]; offset = 0; }
    select(h, offset, true);
  } else if (event.key === '+' || event.key === '=') zoom(-1);
  else if (event.key === '-') zoom(1);
  else if (event.key === 'Enter') zoom(-2);
  else if (event.key === 'Home') select(heaps[0], 0, true);
  else if (event.key === 'End') select(heaps[heaps.length - 1], heaps[heaps.length - 1].bytes - 1, true);
  else if (event.key === '[') step(-1);
  else if (event.key === ']') step(1);
  else if (event.key === '/') $('address').focus();
  else if (event.key === 'g') nextWaste();
  else if (event.key === 'c') setColor({ state: 'size', size: 'arena', arena: 'state' }[view.color]);
  else if (event.key === 'd') setTheme(!document.documentElement.classList.contains('dark'));
  else return;
  event.preventDefault();
}

/* --- panels -------------------------------------------------------------- */

function table(id, head, rows) {
  const t = $(id);
  t.textContent = '';
  const add = (cells, tag, go) => {
    const tr = t.insertRow();
    for (const c of cells) {
      const cell = document.createElement(tag);
      if (c instanceof Node) cell.append(c); else cell.textContent = c;
      tr.append(cell);
    }
    if (go) {
      tr.className = 'go';
      tr.tabIndex = 0;
      tr.onclick = go;
      tr.onkeydown = e => { if (e.key === 'Enter') { go(); e.stopPropagation(); } };
    }
  };
  if (head) add(head, 'th');
  for (const r of rows) add(r.cells, 'td', r.go);
  if (!rows.length) add(['none'], 'td');
}
function bar(part, whole) {
  const b = document.createElement('span');
  b.className = 'bar';
  b.style.width = Math.round(80 * part / Math.max(1, whole)) + 'px';
  return b;
}

function panels() {
  const whole = meta.waterfall.reduce((n, w) => n + w.bytes, 0);
  table('waterfall', ['', 'bytes', 'resident', ''], meta.waterfall.map(w =>
    ({ cells: [w.name, size(w.bytes), w.resident === undefined ? '' : size(w.resident), bar(w.bytes, whole)] })));
  table('arenas', ['arena', 'heaps', 'in use', 'cached', 'free'], meta.arenas.map(a =>
    ({ cells: [String(a.index), size(a.heap), size(a.live), size(a.cached), size(a.free)],
      go: () => { const h = heaps.find(x => x.arena === a.index); if (h) select(h, 0, true); } })));
  table('bins', ['bin', 'chunks', 'bytes'], meta.bins.map(b =>
    ({ cells: [`${b.arena}: ${b.name}`, String(b.count), size(b.bytes)], go: () => goTo(b.first) })));
  table('mapped', ['at', 'bytes', ''], meta.mapped.map(m =>
    ({ cells: [m.start, size(m.bytes), m.kept ? 'kept' : ''] })));
}

function histogram() {
  const c = $('sizes'), p = c.getContext('2d'), n = new Array(28).fill(0);
  for (const h of heaps)
    for (let i = 0; i < h.count; i++)
      if (h.chunks.kind[i] === LIVE)
        n[Math.min(27, Math.max(0, Math.floor(2 * (Math.log2((h.chunks.start[i + 1] - h.chunks.start[i]) * 16) - 5))))]++;
  const most = Math.max(1, ...n);
  c.parentElement.hidden = heaps.every(h => h.count === 0); /* sums tell of no sizes */
  p.clearRect(0, 0, 300, 90);
  p.font = '10px monospace';
  for (let i = 0; i < n.length; i++) {
    p.fillStyle = hueOfSize(Math.pow(2, 5 + i / 2));
    const t = n[i] ? Math.max(2, Math.round(70 * n[i] / most)) : 0;
    p.fillRect(4 + i * 10.5, 74 - t, 9, t);
    p.fillStyle = palette.dim;
    if (i % 4 === 0) p.fillText(size(Math.pow(2, 5 + i / 2)).replace('.0 ', ' ').replace('iB', ''), 4 + i * 10.5, 86);
  }
}

function legend() {
  const unit = LEVELS[view.level];
  const entries = view.color === 'size' ? HUES.map((c, i) => [c, '', 'from ' + size(32 << 2 * i)])
    : view.color === 'arena' ? HUES.map((c, i) => [c, '', `arena ${i}, ${i + 6}, ...`])
    : unit >= 4096 ? [['live', '', 'in use (darker: more)']] : [['live', 'o', 'in use'], ['live2', 'o', 'in use']];
  if (unit <= 16) entries.push(['header', '#', 'header'], ['slack', '.', 'slack']);
  entries.push(['cached', 'c', 'cached'], ['free', '-', 'free'], ['top', '~', 'top'],
    ['gone', '', 'not resident (pale)'], ['bad', '!', 'broken']);
  if (heaps.some(h => !h.complete && unit < h.pages[0].unit))
    entries.push(['back', '/', 'not told in this page, which has sums only (view --range tells a part)']);
  $('legend').textContent = '';
  for (const [color, glyph, text] of entries) {
    const i = document.createElement('i');
    i.style.background = color[0] === '#' ? color : `var(--${color})`;
    i.textContent = glyph;
    $('legend').append(i, text);
  }
}

/* --- start --------------------------------------------------------------- */

function start() {
  $('title').textContent = meta.title;
  document.documentElement.classList.toggle('dark', matchMedia('(prefers-color-scheme: dark)').matches);
  readPalette();
  const extent = heaps.reduce((n, h) => n + h.bytes, 0);
  view.level = extent <= 4096 ? 0 : extent <= 262144 ? 2 : extent <= 67108864 ? 6
    : LEVELS.findIndex(b => b * 163840 >= extent);
  if (view.level < 0) view.level = LEVELS.length - 1;
  /* Not finer than the sums of a heap whose chunks are not told. */
  for (const h of heaps)
    if (h.count === 0) view.level = Math.max(view.level, LEVELS.indexOf(h.pages[0].unit));
  const link = new URLSearchParams(location.hash.slice(1));
  if (link.has('z')) view.level = Math.max(0, Math.min(LEVELS.length - 1, Number(link.get('z')) || 0));
  measure();
  panels();
  histogram();
  legend();
  if (link.has('a')) goTo(link.get('a'));
  draw();
  new ResizeObserver(() => { measure(); redraw(); }).observe(canvas);
}

canvas.addEventListener('click', e => { const c = cellAt(e); canvas.focus(); if (c) select(c.h, c.offset, false); });
canvas.addEventListener('dblclick', e => { const c = cellAt(e); if (c) { select(c.h, c.offset, false); zoom(-2); } });
canvas.addEventListener('wheel', e => {
  e.preventDefault();
  if (e.ctrlKey) zoom(e.deltaY > 0 ? 1 : -1);
  else { view.row = Math.max(0, view.row + Math.sign(e.deltaY) * Math.max(1, Math.abs(e.deltaY) / 40)); redraw(); }
}, { passive: false });
canvas.addEventListener('mousemove', e => {
  const c = cellAt(e), tip = $('tip');
  tip.hidden = !c;
  if (!c) return;
  const i = chunkAt(c.h, c.offset);
  tip.textContent = LEVELS[view.level] >= 4096 || i < 0 ? pageText(c.h, c.offset)
    : `${place(c.h, c.offset)}\n${KINDS[c.h.chunks.kind[i]]}, ${size((c.h.chunks.start[i + 1] - c.h.chunks.start[i]) * 16)}`;
  const box = $('stage').getBoundingClientRect();
  tip.style.left = Math.min(e.clientX - box.left + 14, box.width - 260) + 'px';
  tip.style.top = e.clientY - box.top + 14 + 'px';
});
canvas.addEventListener('mouseleave', () => { $('tip').hidden = true; });
document.addEventListener('keydown', key);
$('in').onclick = () => zoom(-1);
$('out').onclick = () => zoom(1);
$('theme').onclick = () => setTheme(!document.documentElement.classList.contains('dark'));
$('colors').onclick = e => { if (e.target.dataset.color) setColor(e.target.dataset.color); };
$('search').onsubmit = e => { e.preventDefault(); goTo($('address').value); canvas.focus(); };
start();
window.chunkyView = { view, heaps, meta, stats, select, zoom, goTo, draw };
document.documentElement.dataset.ready = 'yes';
})();
