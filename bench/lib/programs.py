"""Real programs with fixed inputs, in a work folder that is made on first use."""
import glob
import os
import shutil
import subprocess

import inputs
from suite import Workload

FIXED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'programs')
POSTGRES_USER = '65534'  # postgres refuses to run as root

REDIS = ('until redis-cli -s redis.sock ping >/dev/null 2>&1; do sleep 0.01; done; '
         'redis-benchmark -s redis.sock -n 60000 -c 20 -P 16 -r 100000 -d 100 '
         '-t set,get,incr,lpush,lpop,sadd,hset,zadd -q && '
         'redis-benchmark -s redis.sock -n 60000 -c 20 -P 16 -r 100000 -d 900 -t set -q && '
         'redis-cli -s redis.sock flushall')


def python():
    """The system's: a wrapper script in PATH would be what is measured."""
    return '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else 'python3'


def as_user(argv):
    if os.geteuid() != 0:
        return argv
    return ['setpriv', f'--reuid={POSTGRES_USER}', f'--regid={POSTGRES_USER}',
            '--clear-groups', *argv]


def postgres_folder():
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'))
    return os.path.dirname(found[-1]) if found else os.path.dirname(shutil.which('initdb') or '')


def postgres(work):
    tools, data = postgres_folder(), os.path.join(work, 'pg')

    owner = int(POSTGRES_USER) if os.geteuid() == 0 else os.geteuid()

    def prepare():
        if os.path.exists(os.path.join(data, 'PG_VERSION')) and os.stat(data).st_uid == owner:
            return
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(data, mode=0o700)
        os.chown(data, owner, -1)
        subprocess.run(as_user([f'{tools}/initdb', '-D', data, '-A', 'trust', '-U', 'bench',
                                '--no-sync', '--locale=C']),
                       check=True, capture_output=True, cwd='/')

    argv = as_user([f'{tools}/postgres', '--single', '-D', data, '-c', 'shared_buffers=8MB',
                    '-c', 'work_mem=64MB', '-c', 'fsync=off', 'template1'])
    return Workload('postgres', 'programs', argv, cwd='/', stdin=f'{FIXED}/work.pgsql',
                    needs=[f'{tools}/initdb'] if tools else ['initdb'], prepare=prepare)


def real(work):
    """Every real program. Their inputs are written when the first of them runs."""
    def program(name, argv, needs=None, env=None, **more):
        more.setdefault('same_output', True)
        return Workload(name, 'programs', argv, env=env or {}, cwd=work,
                        needs=[needs or argv[0]], prepare=lambda: inputs.write(work), **more)

    script = python()
    return [
        program('gcc', ['gcc', '-O2', '-c', 'work.c', '-o', '/dev/null']),
        program('g++', ['g++', '-std=c++17', '-O0', '-c', 'work.cc', '-o', '/dev/null']),
        program('python', [script, f'{FIXED}/work.py'], env={'PYTHONHASHSEED': '0'}),
        program('python-malloc', [script, f'{FIXED}/work.py'],
                env={'PYTHONHASHSEED': '0', 'PYTHONMALLOC': 'malloc'}),
        program('lua', ['lua5.4', f'{FIXED}/work.lua']),
        program('ruby', ['ruby', '--disable-gems', f'{FIXED}/work.rb']),
        program('perl', ['perl', f'{FIXED}/work.pl'],
                env={'PERL_HASH_SEED': '0', 'PERL_PERTURB_KEYS': '0'}),
        program('node', ['node', f'{FIXED}/work.js']),
        program('sqlite', ['sqlite3', ':memory:'], stdin=f'{FIXED}/work.sql'),
        program('z3', ['z3', 'work.smt2']),
        program('ghostscript', ['gs', '-q', '-dBATCH', '-dNOPAUSE', '-dSAFER', '-r100',
                                '-sDEVICE=ppmraw', '-sOutputFile=/dev/null', 'work.ps']),
        program('jq', ['jq', '-c', '-f', f'{FIXED}/work.jq', 'work.json']),
        program('redis', ['redis-server', '--port', '0', '--unixsocket', 'redis.sock',
                          '--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
                driver=f'cd "{work}"; ' + REDIS, same_output=False),
        postgres(work),
    ]
