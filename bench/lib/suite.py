"""The suite: which programs of micro/ and workload/ run, with which parameters and in
how many threads. Real programs are in programs.py."""
import dataclasses
import fnmatch
import typing


@dataclasses.dataclass
class Workload:
    name: str
    group: str
    argv: list
    env: dict = dataclasses.field(default_factory=dict)
    cwd: typing.Optional[str] = None
    stdin: typing.Optional[str] = None
    driver: typing.Optional[str] = None   # a server: the shell command that uses it
    needs: list = dataclasses.field(default_factory=list)
    prepare: typing.Optional[typing.Callable] = None
    same_output: bool = False             # stdout must not depend on the allocator
    handover: bool = False                # freed by another thread than took it


def program(bin_dir, scale):
    def make(name, group, words, threads=(1,), handover=False):
        for n in threads:
            suffix = '' if n == threads[0] else f'-x{n}'
            argv = [f'{bin_dir}/{words.split()[0]}', *words.split()[1:],
                    f'threads={n}', f'scale={scale}']
            yield Workload(name + suffix, group, argv, handover=handover)
    return make


def own(bin_dir, scale=100):
    """Every workload written here. scale: percent of the full work."""
    make = program(bin_dir, scale)
    every = (1, 2, 8, 32)
    found = []
    for size, pairs in ((8, 30), (64, 30), (512, 30), (4096, 20), (32768, 15),
                        (262144, 10), (1048576, 8)):
        found += make(f'tight-{size}', 'tight', f'tight size={size} pairs={pairs}000000')
    found += make('tight-64-x2', 'tight', 'tight size=64 pairs=40000000', (2,))
    found += make('tight-64-x32', 'tight', 'tight size=64 pairs=40000000', (32,))
    found += make('mixed', 'tight', 'mixed', every)
    for count in (25, 200, 1600):
        for order, word in enumerate(('order', 'reverse', 'shuffle')):
            found += make(f'batch-{count}-{word}', 'batch',
                          f'batch count={count} order={order}',
                          every if (count, order) == (200, 2) else (1,))
    found += make('lifetimes', 'lifetimes', 'lifetimes', every)
    found += make('requests', 'lifetimes', 'requests', every)
    found += make('growshrink', 'lifetimes', 'growshrink', (1, 8))
    found += make('handover-x2', 'threads', 'handover', (2,), True)
    found += make('handover-x8', 'threads', 'handover', (8,), True)
    found += make('handover-x32', 'threads', 'handover', (32,), True)
    found += make('anyfree-x2', 'threads', 'anyfree', (2,), True)
    found += make('anyfree-x8', 'threads', 'anyfree', (8,), True)
    found += make('anyfree-x32', 'threads', 'anyfree', (32,), True)
    found += make('larson', 'threads', 'larson', every)
    found += make('comeandgo', 'threads', 'comeandgo', every)
    found += make('list', 'live', 'list nodes=400000', (1, 2))
    found += make('tree', 'live', 'tree', (1, 2))
    found += make('strings', 'live', 'strings', every)
    found += make('zeroed', 'calls', 'zeroed', (1, 8))
    found += make('aligned', 'calls', 'aligned', (1, 8))
    found += make('vector', 'calls', 'vector steps=4000000', (1, 8))
    found += make('vector-large', 'calls', 'vector limit=1000000 vectors=50 steps=60000')
    found += make('append', 'calls', 'append buffers=60')
    found += make('large', 'large', 'large', (1, 2, 8))
    found += make('buffer', 'large', 'buffer')
    found += make('idle', 'large', 'idle')
    return found


def select(workloads, words):
    """Those named by a word: a name, a group, the first part of a name, a pattern."""
    if not words:
        return workloads, []
    def matches(w, word):
        return (word in (w.name, w.group) or w.name.startswith(word + '-')
                or fnmatch.fnmatchcase(w.name, word))
    unknown = [word for word in words if not any(matches(w, word) for w in workloads)]
    return [w for w in workloads if any(matches(w, word) for word in words)], unknown
