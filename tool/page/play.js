const $ = id => document.getElementById(id);
let run = 0, step = 0, zoom = 0;

/* Names of colours in play.css, light and dark. Two tints by turns, so that neighbours can be
 * told apart. The glyph says the same. */
const STATE = {
  "in use": ["live", "live2"], unsorted: ["unsorted", "unsorted"], small: ["bin", "bin"],
  large: ["bin", "bin"], fast: ["fast", "fast"], cached: ["cached", "cached"],
  top: ["top", "top"], fence: ["fence", "fence"], overwritten: ["over", "over"],
};
const INK = {"#": "head", ".": "slack", "=": "links", f: "links", b: "links", l: "links"};
const LEGEND = [["A", "in use", "live"], ["", "slack", "slack"], ["", "header", "head"],
  ["f", "links", "links"], ["-", "free, in a bin", "unsorted"], ["-", "fast bin", "fast"],
  ["c", "cached", "cached"], ["~", "top", "top"], ["", "framed: what the step is about", "back", "mark"]];
const color = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name);
const LEFT = 70, HIGH = 24;

const element = (name, text, kind) => {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  return e;
};

/* Bytes in a row: a power of two, so that addresses can be read off; the fewest with which
 * what is told takes at most ten rows. */
function rowBytes(bytes) {
  let n = 16;
  while (bytes > 10 * n) n *= 2;
  return Math.max(16, n / Math.pow(2, zoom));
}

/* Pixels a byte. */
function scale(row, width) {
  const p = Math.min(24, width / row);
  return p >= 2 ? Math.floor(p) : p;
}

function surface(width, height) {
  const canvas = element("canvas"), ratio = window.devicePixelRatio || 1;
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  g.font = "12px monospace";
  g.textBaseline = "middle";
  return [canvas, g];
}

/* Some rows of a region: `span` calls draw for each row that [from, to) touches. */
function rows(part, extent, p, row) {
  const first = part.from - part.from % row, end = Math.min(part.to, extent);
  const count = Math.max(1, Math.ceil((end - first) / row));
  const [canvas, g] = surface(LEFT + row * p, count * HIGH);
  g.fillStyle = color("dim");
  for (let i = 0; i < count; i++)
    g.fillText("+" + (first + i * row).toString(16).padStart(3, "0"), 2, i * HIGH + HIGH / 2);
  const span = (from, to, draw) => {
    from = Math.max(from, part.from);
    to = Math.min(to, end);
    while (from < to) {
      const y = Math.floor((from - first) / row), stop = Math.min(to, first + (y + 1) * row);
      draw(LEFT + (from - first - y * row) * p, y * HIGH + 2, (stop - from) * p, HIGH - 4, from, stop);
      from = stop;
    }
  };
  const at = e => e.offsetX < LEFT ? -1
    : first + Math.floor(e.offsetY / HIGH) * row + Math.floor((e.offsetX - LEFT) / p);
  return {canvas, g, span, at};
}

/* A chunk's colours reach from its header to the next one's. `mark` is the one that the step
   is about. */
function draw(part, extent, p, row, mark) {
  const {canvas, g, span, at} = rows(part, extent, p, row);
  const paint = {}, paints = name => paint[name] || (paint[name] = color(name));
  part.chunks.forEach((c, i) => span(c[0] + 8, c[0] + 8 + c[1], (x, y, w, h) => {
    g.fillStyle = paints((STATE[c[2]] || STATE.top)[i % 2]);
    g.fillRect(x, y, w, h);
  }));
  part.pieces.forEach(q => {
    const ink = INK[q[2]];
    if (ink && (q[1] * p >= 1 || p >= 1)) span(q[0], q[0] + q[1], (x, y, w, h) => {
      g.fillStyle = paints(ink);
      if (q[2] === "." || q[2] === "#") g.fillRect(x, y, w, h);
      else g.fillRect(x, y + h - 5, w, 5);
    });
    if (p >= 8) span(q[0], q[0] + q[1], (x, y, w, h, from, to) => {
      g.fillStyle = paints(q[2] === "#" ? "head-ink" : "text");
      for (let k = from; k < to; k++) g.fillText(q[2], x + (k - from) * p + p / 2 - 4, y + h / 2);
    });
  });
  part.chunks.forEach(c => span(c[0] + 8, c[0] + 8 + c[1], (x, y, w, h, from) => {
    g.strokeStyle = paints("frame");
    if (w > 3) g.strokeRect(x + .5, y + .5, w - 1, h - 1);
    if (p < 8 && c[3] && w > 40 && from === c[0] + 8) {
      g.fillStyle = paints("text");
      g.fillText(c[3] + " " + c[4], x + 8 * p + 4, y + h / 2, w - 8 * p - 4);
    }
  }));
  part.chunks.filter(c => c[0] === mark).forEach(c => span(c[0] + 8, c[0] + 8 + c[1], (x, y, w, h) => {
    g.strokeStyle = paints("mark");
    g.lineWidth = 2;
    g.strokeRect(x + 1, y, Math.max(1, w - 2), h);
  }));
  canvas.onmousemove = e => tip(e, part, at(e));
  canvas.onmouseleave = () => $("tip").style.display = "none";
  return canvas;
}

function tip(e, part, at) {
  const c = at < 0 ? null : part.chunks.find(d => at >= d[0] + 8 && at < d[0] + 8 + d[1]);
  const t = $("tip");
  t.style.display = c ? "block" : "none";
  if (!c) return;
  t.textContent = (c[3] ? c[3] + ": " + c[4] + " bytes asked of " + c[5] + " usable, " : "") + c[2] +
    "\nchunk +" + c[0].toString(16) + ", size 0x" + c[1].toString(16) + "; this byte: +" + at.toString(16);
  t.style.left = Math.min(e.clientX + 12, innerWidth - 260) + "px";
  t.style.top = Math.min(e.clientY + 14, innerHeight - 50) + "px";
}

/* All of a large region in one row: how much of each cell is in use, and how much free. */
function overview(r, width) {
  const w = Math.max(1, Math.floor((width - LEFT) / r.strip.length));
  const [canvas, g] = surface(LEFT + w * r.strip.length, HIGH);
  g.fillStyle = color("dim");
  g.fillText("all of it", 2, HIGH / 2);
  const [none, free, live] = ["top", "unsorted", "live2"].map(color);
  [...r.strip].forEach((share, i) => {
    const high = HIGH - 4, used = share === "-" ? 0 : Math.round(high * share / 9);
    g.fillStyle = share === "-" ? none : free;
    g.fillRect(LEFT + i * w, 2, w, high);
    g.fillStyle = live;
    g.fillRect(LEFT + i * w, 2 + high - used, w, used);
  });
  g.strokeStyle = color("frame");
  g.strokeRect(LEFT + .5, 2.5, w * r.strip.length - 1, HIGH - 5);
  return canvas;
}

const many = (n, one, more) => n.toLocaleString("en") + " " + (n === 1 ? one : more);

function fold(part) {
  const range = "+" + part.from.toString(16) + " to +" + part.to.toString(16) + ": ";
  return element("div", range + (part.live + part.free === 0 ? "inside one chunk"
    : many(part.live, "chunk", "chunks") + " in use, " + part.free.toLocaleString("en") + " free"), "fold");
}

function region(r, width, mark) {
  const told = r.parts.reduce((sum, part) => sum + (part.chunks ? Math.min(part.to, r.extent) - part.from : 0), 0);
  const row = rowBytes(told), p = scale(row, width - LEFT);
  const out = [element("h2", r.name + ": " + row + " bytes a row" +
    (r.strip ? "; it is large, and only what this step is about is drawn" : ""))];
  if (r.strip) out.push(overview(r, width));
  r.parts.forEach(part => out.push(part.chunks ? draw(part, r.extent, p, row, mark) : fold(part)));
  return out;
}

function list(l) {
  const div = element("div"), arrow = l.two ? " \u21c4 " : " \u2192 ";
  div.append(l.name.padEnd(16) + " head");
  l.members.forEach(m => div.append(arrow, element("span", m, "box")));
  if (l.more) div.append(arrow + l.more + " more");
  div.append(l.note ? "   " + l.note + "  !" : l.two ? arrow + "head" : "");
  return div;
}

function show() {
  const s = RUNS[run].steps[step], width = $("heap").clientWidth - 32;
  $("name").textContent = "step " + (step + 1) + " of " + RUNS[run].steps.length;
  $("why").replaceChildren(element("b", s.op), " " + s.why);
  $("calls").textContent = s.calls.length ? "system calls: " + s.calls.join(", ") : "no system call";
  $("heap").replaceChildren(...s.regions.flatMap((r, i) =>
    region(r, width, s.mark && s.mark[0] === i ? s.mark[1] : -1)));
  if (!s.regions.length) $("heap").textContent = "no heap yet";
  $("bins").replaceChildren(...s.lists.map(list));
  if (!s.lists.length) $("bins").textContent = "no free chunk but the top";
  $("sums").textContent = s.sums.join("\n");
  $("report").textContent = s.report.join("\n");
  document.querySelectorAll("#ops div[data-i]").forEach(d => {
    const i = +d.dataset.i;
    d.className = i === step ? "now" : i > step ? "later" : "";
    if (i === step) d.scrollIntoView({block: "nearest"});
  });
  history.replaceState(null, "", "#r=" + run + "&t=" + (step + 1));
}

function choose(i) {
  run = i;
  step = 0;
  zoom = 0;
  $("runs").value = i;
  $("ops").replaceChildren(...RUNS[run].steps.flatMap((s, k) => {
    const d = element("div", s.op);
    d.dataset.i = k;
    d.onclick = () => move(k);
    return s.tag ? [element("div", s.tag, "tag"), d] : [d];
  }));
  if (RUNS[run].left_out)
    $("ops").append(element("div", many(RUNS[run].left_out, "further step is", "further steps are") + " not in this page", "tag"));
}

function move(to) {
  step = Math.max(0, Math.min(RUNS[run].steps.length - 1, to));
  show();
}

function turn(by) {
  choose((run + by + RUNS.length) % RUNS.length);
  show();
}

function magnify(by) {
  zoom = Math.max(-8, Math.min(8, zoom + by));
  show();
}

const KEYS = {
  ArrowRight: () => move(step + 1), ArrowDown: () => move(step + 1), " ": () => move(step + 1),
  ArrowLeft: () => move(step - 1), ArrowUp: () => move(step - 1), Home: () => move(0), End: () => move(1e9),
  "+": () => magnify(1), "=": () => magnify(1), "-": () => magnify(-1),
  PageDown: () => turn(1), PageUp: () => turn(-1),
};

function begin() {
  RUNS.forEach((r, i) => {
    const o = element("option", r.title + " (" + r.mode + ")");
    o.value = i;
    $("runs").append(o);
  });
  if (RUNS.length < 2) $("runs").style.display = $("many").style.display = "none";
  if (RUNS.length === 1) document.querySelector("h1").prepend(RUNS[0].title + " (" + RUNS[0].mode + "), ");
  $("runs").onchange = e => {
    choose(+e.target.value);
    e.target.blur();
    show();
  };
  LEGEND.forEach(([glyph, text, colour, frame]) => {
    const box = element("i", glyph || "\u00a0");
    box.style.background = "var(--" + colour + ")";
    if (frame) box.style.border = "2px solid var(--" + frame + ")";
    $("legend").append(box, text);
  });
  addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === "SELECT" || !KEYS[e.key]) return;
    e.preventDefault();
    KEYS[e.key]();
  });
  addEventListener("resize", show);
  matchMedia("(prefers-color-scheme: dark)").onchange = show;
  const at = /r=(\d+)&t=(\d+)/.exec(location.hash);
  choose(at && RUNS[+at[1]] ? +at[1] : 0);
  move(at ? +at[2] - 1 : 0);
}

if (RUNS.length && RUNS[0].steps.length) begin();
else document.querySelector("main").textContent = "no step";
