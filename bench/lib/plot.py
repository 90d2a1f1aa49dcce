"""The report as SVG, written by hand: a dot plot for each metric (a row a workload,
whiskers from quartile to quartile), and time against memory in one picture."""
import math
from xml.sax.saxutils import escape

import figures

# Blue to brown, told apart without colour by the shape.
LOOK = [('#0b5fa5', 'circle'), ('#111111', 'square'), ('#d55e00', 'up'),
        ('#7a3e9d', 'diamond'), ('#009e73', 'down'), ('#b8860b', 'cross'),
        ('#cc79a7', 'circle'), ('#56606b', 'square')]
ROW, LEFT, WIDTH = 15, 150, 560


def mark(x, y, look, size=4.0):
    colour, shape = look
    s = size
    if shape == 'circle':
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s}" fill="{colour}"/>'
    points = {'square': [(-s, -s), (s, -s), (s, s), (-s, s)],
              'up': [(0, -s), (s, s), (-s, s)], 'down': [(0, s), (s, -s), (-s, -s)],
              'diamond': [(0, -s - 1), (s + 1, 0), (0, s + 1), (-s - 1, 0)]}
    if shape == 'cross':
        return (f'<path d="M{x - s:.1f} {y - s:.1f}l{2 * s} {2 * s}m{-2 * s} 0'
                f'l{2 * s} {-2 * s}" stroke="{colour}" stroke-width="2"/>')
    path = ' '.join(f'{x + dx:.1f},{y + dy:.1f}' for dx, dy in points[shape])
    return f'<polygon points="{path}" fill="{colour}"/>'


def text(x, y, words, anchor='start', size=11, weight='normal', colour='#222'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}" fill="{colour}">{escape(words)}</text>')


def page(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif">'
            f'<rect width="100%" height="100%" fill="#fff"/>' + '\n'.join(parts)
            + '</svg>\n')


def looks(subjects):
    return {s: LOOK[i % len(LOOK)] for i, s in enumerate(subjects)}


def legend(subjects, look, y):
    parts, x = [], LEFT
    for s in subjects:
        parts += [mark(x, y - 4, look[s]), text(x + 9, y, s)]
        x += 24 + 7 * len(s)
    return parts


def scale_of(values):
    """A log scale that holds the values: (position of a ratio, ticks)."""
    low = min([0.5, *values]) / 1.1
    high = max([2.0, *values]) * 1.1
    low, high = max(low, 1 / 60), min(high, 60)
    def place(v):
        v = min(max(v, low), high)
        return LEFT + WIDTH * math.log(v / low) / math.log(high / low)
    ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20, 50)
             if low <= t <= high]
    return place, ticks


def dot_plot(results, subjects, metric, reference):
    """One row a workload; the reference is the line at 1."""
    shown = [s for s in subjects if s != reference]
    look = looks(subjects)
    rows = []
    for group in figures.groups(results):
        inside = [r for r in results if r['group'] == group and r['runs']]
        rows += [(r['name'], {s: figures.ratio(r, metric, s, reference) for s in shown},
                  False) for r in inside]
    means = {s: figures.mean_ratio(results, metric, s, reference) for s in shown}
    rows.append(('geometric mean', {s: m and (m, m, m) for s, m in means.items()}, True))
    values = [v[0] for _, row, _ in rows for v in row.values() if v]
    place, ticks = scale_of(values)
    top, bottom = 64, 64 + ROW * len(rows)
    title = f'{figures.METRICS[metric][0]}, ratio to {reference} (left is better)'
    parts = [text(LEFT, 20, title, size=14, weight='bold'), *legend(shown, look, 40)]
    for t in ticks:
        x = place(t)
        parts += [f'<path d="M{x:.1f} {top - 6}V{bottom}" '
                  f'stroke="{"#333" if t == 1 else "#ddd"}"/>',
                  text(x, top - 9, f'{t:g}', 'middle', 10, colour='#555'),
                  text(x, bottom + 14, f'{t:g}', 'middle', 10, colour='#555')]
    for n, (name, row, bold) in enumerate(rows):
        y = top + ROW * n + ROW / 2
        if bold:
            parts.append(f'<rect x="0" y="{y - ROW / 2}" width="{LEFT + WIDTH + 30}" '
                         f'height="{ROW}" fill="#eef3f8"/>')
        parts.append(text(LEFT - 12, y + 4, name, 'end', weight='bold' if bold else 'normal'))
        for s in reversed(shown):
            if row[s]:
                middle, low, high = row[s]
                parts += [f'<path d="M{place(low):.1f} {y}H{place(high):.1f}" '
                          f'stroke="{look[s][0]}" stroke-width="1.5"/>',
                          mark(place(middle), y, look[s])]
    return page(LEFT + WIDTH + 30, bottom + 24, parts)


def axis(values, start, length, turned):
    """A linear scale: (position of a value, ticks)."""
    low, high = min(values), max(values)
    room = max(0.08, 0.12 * (high - low))
    low, high = low - room, high + room
    step = next((s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
                 if (high - low) / s <= 9), 10)
    def place(v):
        along = length * (v - low) / (high - low)
        return start + (length - along if turned else along)
    first = math.ceil(low / step)
    return place, [n * step for n in range(first, math.floor(high / step) + 1)]


def field_plot(results, subjects, reference):
    """Time against memory: the lower left corner is where one wants to be."""
    look = looks(subjects)
    points = {s: (figures.mean_ratio(results, 'cpu', s, reference),
                  figures.mean_ratio(results, 'rss', s, reference)) for s in subjects}
    points = {s: p for s, p in points.items() if None not in p}
    size, left, top = 400, 70, 50
    across, columns = axis([p[0] for p in points.values()], left, size, False)
    down, rows = axis([p[1] for p in points.values()], top, size, True)
    parts = [text(left, 20, f'Time and memory, geometric means, {reference} = 1', size=14,
                  weight='bold'),
             text(left + size / 2, top + size + 36, 'CPU time (left is faster)', 'middle'),
             f'<g transform="rotate(-90 18 {top + size / 2})">'
             + text(18, top + size / 2, 'peak resident memory (down is leaner)', 'middle')
             + '</g>']
    for tick in columns:
        parts += [f'<path d="M{across(tick):.1f} {top}V{top + size}" stroke="#ddd"/>',
                  text(across(tick), top + size + 16, f'{tick:.2f}', 'middle', 10)]
    for tick in rows:
        parts += [f'<path d="M{left} {down(tick):.1f}H{left + size}" stroke="#ddd"/>',
                  text(left - 6, down(tick) + 4, f'{tick:.2f}', 'end', 10)]
    for s, (cpu, rss) in points.items():
        parts += [mark(across(cpu), down(rss), look[s], 6),
                  text(across(cpu) + 11, down(rss) + 4, s, size=12)]
    return page(left + size + 90, top + size + 50, parts)


def lock_plot(results):
    """Bars of lock visits per 1,000 operations on a log scale, and the limits."""
    rows = [(r['name'], figures.lock_visits(r), 20 if r.get('handover') else 10)
            for r in results if figures.lock_visits(r) is not None]
    least, most = 0.01, max([100.0] + [v for _, v, _ in rows])
    def length(v):
        return WIDTH * math.log(max(v, least) / least) / math.log(most / least)
    parts = [text(LEFT, 20, 'Lock visits per 1,000 operations (log scale; line: limit)',
                  size=14, weight='bold')]
    for n, (name, visits, limit) in enumerate(rows):
        y = 36 + ROW * n
        edge = LEFT + length(limit)
        end = LEFT + length(visits)
        if end < edge < end + 36:  # the figure would lie under the line
            end = edge
        parts += [text(LEFT - 12, y + 11, name, 'end'),
                  f'<rect x="{LEFT}" y="{y + 2}" height="{ROW - 4}" fill="#0b5fa5" '
                  f'width="{max(0.5, length(visits)):.1f}"/>',
                  f'<path d="M{edge:.1f} {y}v{ROW}" stroke="#d55e00" stroke-width="2"/>',
                  text(end + 5, y + 11, f'{visits:.2f}', size=9)]
    return page(LEFT + WIDTH + 70, 46 + ROW * len(rows), parts)


def write_all(folder, results, subjects, reference):
    made = {f'{m}.svg': dot_plot(results, subjects, m, reference)
            for m in figures.METRICS}
    made['field.svg'] = field_plot(results, subjects, reference)
    if any(figures.lock_visits(r) is not None for r in results):
        made['locks.svg'] = lock_plot(results)
    for name, svg in made.items():
        with open(f'{folder}/{name}', 'w') as f:
            f.write(svg)
    return sorted(made)
