"""From raw runs to figures: ratios to a reference round by round, their median and
quartiles, geometric means, and what the targets say."""
import math
import statistics

HELD = 3  # see mean_ratio
METRICS = {
    'wall': ('wall time', lambda r: max(r['wall'], 1e-4)),
    'cpu': ('CPU time', lambda r: max(r['utime'] + r['stime'], 1e-4)),
    'rss': ('peak resident memory', lambda r: r['maxrss']),
    'faults': ('page faults', lambda r: r['minflt'] + r['majflt'] + 1),
}


def ratio(result, metric, subject, reference):
    """(median, lower quartile, upper quartile) of the rounds' ratios, or None."""
    value = METRICS[metric][1]
    pairs = list(zip(result['runs'].get(subject, []), result['runs'].get(reference, [])))
    if not pairs:
        return None
    ratios = sorted(value(a) / value(b) for a, b in pairs)
    if len(ratios) == 1:
        return (ratios[0],) * 3
    low, middle, high = statistics.quantiles(ratios, n=4, method='inclusive')
    return middle, low, high


def median_of(result, metric, subject):
    return statistics.median(METRICS[metric][1](r) for r in result['runs'][subject])


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def mean_ratio(results, metric, subject, reference, held=None):
    """Geometric mean over the workloads that both finished; each ratio held to
    1/held..held, so that a few extreme ones do not decide."""
    found = [ratio(r, metric, subject, reference) for r in results]
    ratios = [f[0] for f in found if f]
    if held:
        ratios = [min(max(r, 1 / held), held) for r in ratios]
    return geomean(ratios)


def big(results, reference, mib):
    """The workloads whose peak under the reference is at least so many MiB."""
    return [r for r in results if r['runs'].get(reference)
            and median_of(r, 'rss', reference) >= mib * 1024]


def lock_visits(result, subject='chunky'):
    """Lock visits per 1,000 operations, or None when the allocator did not tell."""
    stats = result['stats'].get(subject, {})
    ops = stats.get('ops') or stats.get('mallocs', 0) + stats.get('frees', 0) \
        or stats.get('bench_ops')
    if 'lock_visits' not in stats or not ops:
        return None
    return 1000 * stats['lock_visits'] / ops


def best_peer(result, metric, subject):
    peers = [p for p in result['runs'] if p != subject]
    return min(peers, key=lambda p: median_of(result, metric, p), default=None)


def groups(results):
    names = []
    for r in results:
        if r['runs'] and r['group'] not in names:
            names.append(r['group'])
    return names


def verdict(results, subjects, subject):
    """The targets, one line each: (met, text)."""
    lines = []
    for metric in ('cpu', 'wall'):
        for peer in subjects:
            mean = mean_ratio(results, metric, subject, peer)
            if peer == subject or mean is None:
                continue
            held = mean_ratio(results, metric, subject, peer, HELD)
            limit = 0.95 if peer.startswith('mimalloc') else 1.0
            lines.append((max(mean, held) <= limit,
                          f'{METRICS[metric][0]}: {mean:.3f} of {peer}, {held:.3f} with each'
                          f' held to 1/{HELD}..{HELD} (at most {limit:.2f})'))
    mean = mean_ratio(results, 'rss', subject, 'glibc')
    if mean is not None:
        lines.append((mean <= 1, f'peak resident memory: {mean:.3f} of glibc (at most 1.00)'))
    for metric, limit in (('cpu', 1.10), ('wall', 1.10), ('rss', 1.15)):
        over = []
        for r in results:
            peer = best_peer(r, metric, subject)
            if subject in r['runs'] and peer:
                middle = ratio(r, metric, subject, peer)[0]
                if middle > limit:
                    over.append((middle, f'{r["name"]} {middle:.2f} ({peer})'))
        lines.append(worst_first(f'{METRICS[metric][0]} above {limit:.2f} of the best peer',
                                 over))
    over = [(v, f'{r["name"]} {v:.0f}') for r in results
            for v in [lock_visits(r, subject)]
            if v is not None and v > (20 if r.get('handover') else 10)]
    lines.append(worst_first('lock visits above 10 per 1,000 operations (hand-over: 20)',
                             over))
    return lines


def worst_first(what, over):
    over.sort(reverse=True)
    names = ', '.join(text for _, text in over)
    return not over, f'{what}: {len(over)} workloads' + (f': {names}' if over else '')
