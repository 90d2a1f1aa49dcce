"""The report for a terminal: tables of ratios, bars of the means, the targets."""
import textwrap

import figures

BIG_MIB = 8  # a peak that the heap decides


def cell(found):
    if not found:
        return '-'
    middle, low, high = found
    return f'{middle:.2f}±{min((high - low) / 2, 9.99):.2f}'


def metric_table(results, subjects, metric, reference):
    shown = [s for s in subjects if s != reference]
    width = max([10] + [len(s) for s in shown]) + 1
    lines = [f'{figures.METRICS[metric][0]}, ratio to {reference}: median ± half the'
             ' quartiles\' distance',
             ' ' * 22 + ''.join(f'{s:>{width}}' for s in shown)]
    for group in figures.groups(results):
        inside = [r for r in results if r['group'] == group and r['runs']]
        for r in inside:
            row = [r['failed'].get(s) and 'failed'
                   or cell(figures.ratio(r, metric, s, reference)) for s in shown]
            lines.append(f'{r["name"]:<22}' + ''.join(f'{c:>{width}}' for c in row))
        lines.append(mean_row(f'  = {group}', inside, shown, metric, reference, width))
    lines.append(mean_row('  = all', results, shown, metric, reference, width))
    held = figures.HELD
    lines.append(mean_row(f'  = all, 1/{held}..{held}', results, shown, metric, reference,
                          width, held))
    if metric == 'rss':
        # Below, a peak is mostly the program's and the library's own code.
        lines.append(mean_row(f'  = all from {BIG_MIB} MiB', figures.big(results, reference,
                                                                  BIG_MIB), shown,
                              metric, reference, width))
    return '\n'.join(lines) + '\n'


def mean_row(label, results, shown, metric, reference, width, held=None):
    means = [figures.mean_ratio(results, metric, s, reference, held) for s in shown]
    return f'{label:<22}' + ''.join(
        f'{"-" if m is None else format(m, ".3f"):>{width}}' for m in means)


def bars(results, subjects, reference, width=40):
    lines = [f'Geometric means, ratio to {reference} (shorter is better)']
    for metric, (title, _) in figures.METRICS.items():
        means = {s: figures.mean_ratio(results, metric, s, reference) for s in subjects}
        means = {s: m for s, m in means.items() if m is not None}
        longest = max([1.0, *means.values()])
        lines.append(f'  {title}')
        for s, m in means.items():
            lines.append(f'    {s:<15} {"█" * max(1, round(width * m / longest))} {m:.3f}')
    return '\n'.join(lines) + '\n'


def locks(results):
    lines = []
    for r in results:
        visits = figures.lock_visits(r)
        if visits is not None:
            lines.append(f'  {r["name"]:<22} {visits:8.2f} '
                         f'{"█" * min(40, round(visits))}')
    return 'Lock visits per 1,000 operations (chunky)\n' + '\n'.join(lines) + '\n' \
        if lines else ''


def troubles(results):
    lines = [f'  {r["name"]}: skipped, {r["skipped"]}' for r in results if 'skipped' in r]
    lines += [f'  {r["name"]}: {s} failed: {why}'
              for r in results for s, why in r['failed'].items()]
    return 'Not measured\n' + '\n'.join(lines) + '\n' if lines else ''


def targets(results, subjects):
    if 'chunky' not in subjects:
        return ''
    lines = [textwrap.fill(f'  {"ok " if met else "NOT"} {text}', 90,
                           subsequent_indent=' ' * 8)
             for met, text in figures.verdict(results, subjects, 'chunky')]
    return 'Targets\n' + '\n'.join(lines) + '\n'


def report(results, subjects, reference):
    parts = [metric_table(results, subjects, m, reference) for m in figures.METRICS]
    parts += [bars(results, subjects, reference), locks(results),
              targets(results, subjects), troubles(results)]
    return '\n'.join(p for p in parts if p)
