"""From raw runs to figures: ratios to a reference round by round, their median and
quartiles, geometric means, and what the targets say."""
import math
import statistics

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


def mean_ratio(results, metric, subject, reference):
    """Geometric mean over the workloads that both finished."""
    found = [ratio(r, metric, subject, reference) for r in results]
    return geomean(f[0] for f in found if f)


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
            limit = 0.95 if peer.startswith('mimalloc') else 1.0
            lines.append((mean <= limit, f'{METRICS[metric][0]}: {mean:.3f} of {peer}'
                                         f' (at most {limit:.2f})'))
    mean = mean_ratio(results, 'rss', subject, 'glibc')
    if mean is not None:
        lines.append((mean <= 1, f'peak resident memory: {mean:.3f} of glibc (at most 1.00)'))
    for metric, limit in (('cpu', 1.10), ('wall', 1.10), ('rss', 1.15)):
        for r in results:
            peer = best_peer(r, metric, subject)
            if subject not in r['runs'] or not peer:
                continue
            middle = ratio(r, metric, subject, peer)[0]
            if middle > limit:
                lines.append((False, f'{r["name"]}: {METRICS[metric][0]} {middle:.2f} of'
                                     f' the best peer, {peer} (at most {limit:.2f})'))
    for r in results:
        visits = lock_visits(r, subject)
        limit = 20 if r.get('handover') else 10
        if visits is not None and visits > limit:
            lines.append((False, f'{r["name"]}: {visits:.1f} lock visits per 1,000'
                                 f' operations (at most {limit})'))
    return lines
