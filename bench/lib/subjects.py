"""The allocators that are compared: where they are, and the proof that a program gets
the one it was given. A subject is a name, a library to preload and an environment."""
import dataclasses
import glob
import os
import platform
import subprocess

FOLDERS = [f'/usr/lib/{platform.machine()}-linux-*', '/usr/lib64', '/usr/lib', '/usr/local/lib']
PACKAGED = {
    'glibc': ['libc.so.6'],
    'jemalloc': ['libjemalloc.so.2', 'libjemalloc.so'],
    'mimalloc': ['libmimalloc.so.3', 'libmimalloc.so.2', 'libmimalloc.so.2.0',
                 'libmimalloc.so'],
    'tcmalloc': ['libtcmalloc_minimal.so.4', 'libtcmalloc_minimal.so'],
    'tbb': ['libtbbmalloc_proxy.so.2', 'libtbbmalloc_proxy.so'],
}


@dataclasses.dataclass
class Subject:
    name: str
    library: str
    env: dict = dataclasses.field(default_factory=dict)


def find_library(names):
    for name in names:
        for folder in FOLDERS:
            found = sorted(glob.glob(os.path.join(folder, name)))
            if found:
                return found[0]
    return None


def file_contains(path, text):
    with open(path, 'rb') as f:
        return text in f.read()


def find_packaged(name):
    """The subjects behind a packaged peer's name, none when it is not installed."""
    if name.endswith('-nothp'):
        base = find_packaged(name[:-6])
        known = base and file_contains(base[0].library, b'allow_thp')
        return [Subject(name, base[0].library, {'MIMALLOC_ALLOW_THP': '0'})] if known else []
    path = find_library(PACKAGED[name])
    return [Subject(name, path)] if path else []


def default_names():
    return ['glibc', 'jemalloc', 'mimalloc', 'mimalloc-nothp', 'tcmalloc', 'tbb']


def choose(words, build, reference):
    """Subjects for PEERS words (name, /path/lib.so or label=/path/lib.so): Chunky first
    when it is built, and the reference in any case. Returns (subjects, complaints)."""
    words = list(words) or default_names()
    if reference not in words and reference in default_names():
        words.append(reference)
    chosen, complaints = [], []
    ours = os.path.join(build, 'libchunky.so')
    if os.path.exists(ours):
        chosen.append(Subject('chunky', ours))
    for word in words:
        label, _, path = word.rpartition('=')
        if '/' in path:
            stem = os.path.basename(path).split('.so')[0]
            found = [Subject(label or stem.removeprefix('lib'), os.path.abspath(path))]
            if not os.path.exists(path):
                complaints.append(f'{path}: no such library')
                continue
        elif word == 'chunky':
            found = []
        elif word in default_names():
            found = find_packaged(word)
            if not found and word != 'mimalloc-nothp':
                complaints.append(f'{word}: not installed (scripts/deps bench)')
        else:
            complaints.append(f'{word}: no such peer; known: {", ".join(default_names())},'
                              ' or a path')
            continue
        chosen += [s for s in found if s.name not in [c.name for c in chosen]]
    return chosen, complaints


def check(subject, which):
    """None when a program that preloads the library gets its malloc, else why not."""
    env = dict(os.environ, LD_PRELOAD=subject.library, **subject.env)
    done = subprocess.run([which], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f'{subject.name}: a small program fails with it: {done.stderr.strip()}'
    got = os.path.realpath(done.stdout.strip())
    want = os.path.realpath(subject.library)
    # A proxy (TBB's) may forward to a library that lies beside it.
    if got != want and os.path.dirname(got) != os.path.dirname(want):
        return f'{subject.name}: malloc comes from {got}'
    if subject.name != 'glibc' and os.path.basename(got).startswith('libc.'):
        return f'{subject.name}: malloc still comes from libc'
    return None
