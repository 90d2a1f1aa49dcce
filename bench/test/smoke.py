#!/usr/bin/env python3
"""The bench's own test: every workload at a hundredth of its work; a broken allocator
must be a failed row and no more; recordings must replay; plots must be XML.
usage: smoke.py SOURCE BIN BUILD"""
import json
import os
import subprocess
import sys
import tempfile
import xml.dom.minidom

SOURCE, BIN, BUILD = sys.argv[1:4]
faults = []


def expect(condition, what):
    print(('ok   ' if condition else 'FAIL ') + what)
    if not condition:
        faults.append(what)


def compare(out, *options, peers='glibc'):
    env = {k: v for k, v in os.environ.items()
           if k not in ('BENCH', 'PEERS', 'ROUNDS', 'QUICK', 'REF')}
    command = [f'{SOURCE}/compare', '--bin', BIN, '--build', BUILD, '--out', out,
               '--rounds', '1', '--scale', '1', '--peers', peers, *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f'compare {" ".join(options)} ends well')
    if done.returncode != 0:
        print(done.stdout[-2000:], done.stderr[-2000:])
        return []
    with open(f'{out}/results.json') as f:
        return json.load(f)['results']


def every_workload(out):
    results = compare(out, '--quick')
    expect(len(results) > 40, f'{len(results)} workloads are known')
    for r in results:
        expect(not r['failed'] and 'skipped' not in r, f'{r["name"]} {r["failed"] or ""}')
    for name in ('wall', 'cpu', 'rss', 'faults', 'field'):
        try:
            xml.dom.minidom.parse(f'{out}/{name}.svg')
            expect(True, f'{name}.svg is XML')
        except (OSError, xml.parsers.expat.ExpatError) as problem:
            expect(False, f'{name}.svg: {problem}')
    with open(f'{out}/report.txt') as f:
        expect('peak resident memory' in f.read(), 'the report has its tables')


def broken_allocator(out):
    """A double hand-out must fail its row; the others must still be measured."""
    results = compare(out, '--bench', 'batch-1600-order,list',
                      peers=f'glibc,broken={BIN}/broken.so')
    found = {r['name']: r for r in results}
    batch = found.get('batch-1600-order', {'failed': {}, 'runs': {}})
    expect('broken' in batch['failed'], f'the broken allocator is caught: {batch["failed"]}')
    expect('glibc' in batch['runs'], 'glibc is measured beside it')
    expect('glibc' in found.get('list', {'runs': {}})['runs'], 'the next workload runs')


def recordings(folder):
    env = dict(os.environ, CHUNKY_RECORD=folder, LD_PRELOAD=f'{BIN}/record.so')
    subprocess.run([f'{BIN}/strings', 'scale=2', 'threads=2'], env=env, check=True,
                   capture_output=True)
    made = [f for f in os.listdir(folder) if f.endswith('.rec')]
    expect(len(made) == 1 and made[0].startswith('strings.'), f'one recording: {made}')
    for tool in ('replay', 'bestfit'):
        done = subprocess.run([f'{BIN}/{tool}', f'{folder}/{made[0]}'], capture_output=True,
                              text=True, check=False)
        words = dict(w.split('=') for w in done.stdout.split())
        expect(done.returncode == 0 and int(words['ops']) > 10000,
               f'{tool}: {done.stdout.strip()} {done.stderr.strip()}')
        # Kernels count resident pages in batches: allow for that.
        expect(int(words.get('peak_heap', 0)) > int(words.get('peak_live', 1)) - (1 << 20),
               f'{tool}: the heap holds what was requested')


with tempfile.TemporaryDirectory(prefix='chunky-smoke-') as scratch:
    every_workload(f'{scratch}/all')
    broken_allocator(f'{scratch}/broken')
    os.mkdir(f'{scratch}/recorded')
    recordings(f'{scratch}/recorded')
print(f'{len(faults)} failed')
sys.exit(1 if faults else 0)
