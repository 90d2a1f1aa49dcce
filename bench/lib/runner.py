"""Runs workloads under subjects, interleaved, through the launcher. A failure is
recorded and costs that subject the rest of that workload, nothing else."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WATCHDOG = 300  # seconds: only against hangs


class Runner:
    def __init__(self, launcher, subjects, rounds, warm_up=1):
        self.launcher, self.subjects = launcher, subjects
        self.rounds, self.warm_up = rounds, warm_up
        self.scratch = tempfile.mkdtemp(prefix='chunky-bench-')

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def launch(self, workload, subject, stats=False):
        """One run. Returns a dict of figures; 'failed' says why when it is there."""
        out, err = (os.path.join(self.scratch, name) for name in ('out', 'err'))
        env = dict(os.environ, **workload.env, **subject.env)
        if stats and subject.name == 'chunky':
            env['CHUNKY_CONF'] = 'stats=1'
        command = [self.launcher, '-p', subject.library, '-o', out, '-e', err,
                   '-t', str(WATCHDOG)]
        if workload.driver:
            command += ['-d', workload.driver]
        if workload.stdin:
            command += ['-i', workload.stdin]
        done = subprocess.run(command + workload.argv, env=env, cwd=workload.cwd,
                              capture_output=True, text=True, check=False)
        try:
            run = json.loads(done.stdout)
        except ValueError:
            return {'failed': f'launcher: {done.stderr.strip()[-200:]}'}
        with open(out, 'rb') as f:
            output = f.read()
        with open(err, errors='replace') as f:
            complaint = f.read()
        run['failed'] = failure(run, workload, complaint)
        if not run['failed']:
            del run['failed']
        run.update(figures(output))
        run['counters'] = counters(complaint)
        if workload.same_output:
            run['output'] = hashlib.sha256(output).hexdigest()[:16]
        return run

    def run(self, workload, progress):
        """All rounds of one workload: {'runs': {subject: [..]}, 'failed': {..}}."""
        result = {'name': workload.name, 'group': workload.group,
                  'handover': workload.handover, 'runs': {}, 'failed': {}, 'stats': {}}
        missing = [n for n in workload.needs if not shutil.which(n)]
        if missing:
            result['skipped'] = 'not installed: ' + ', '.join(missing)
            return result
        if workload.prepare:
            try:
                workload.prepare()
            except (OSError, subprocess.SubprocessError) as problem:
                result['skipped'] = f'could not be prepared: {problem}'
                return result
        expected = None
        for n in range(-self.warm_up, self.rounds):
            for subject in self.subjects:
                if subject.name in result['failed']:
                    continue
                progress(workload, n, subject)
                run = self.launch(workload, subject, stats=n < 0)
                if 'failed' not in run and workload.same_output:
                    expected = expected or run['output']
                    if run['output'] != expected:
                        run['failed'] = 'printed something else'
                if 'failed' in run:
                    result['failed'][subject.name] = run['failed']
                    result['runs'].pop(subject.name, None)
                elif n < 0:
                    result['stats'][subject.name] = dict(run['counters'],
                                                         **{'bench_ops': run.get('ops')})
                else:
                    result['runs'].setdefault(subject.name, []).append(run)
        return result


def failure(run, workload, complaint):
    last = complaint.strip().splitlines()[-1:] or ['']
    if run['hung']:
        return f'hung for {WATCHDOG} s'
    if workload.driver and run['driver'] != 0:
        return f'its client failed ({last[0][:80]})'
    if workload.driver and run['signal'] == signal.SIGTERM:
        return None
    if run['signal']:
        return f'{signal.Signals(run["signal"]).name} {last[0][:80]}'.strip()
    if run['exit'] != 0:
        return f'exit {run["exit"]} {last[0][:80]}'.strip()
    return None


def figures(output):
    """The name=N words of a workload's own output."""
    words = re.findall(r'\b([a-z_]+)=(-?\d+)', output[-2000:].decode(errors='replace'))
    return {name: int(value) for name, value in words}


def counters(text):
    """Sums of the name=N words of all `chunky:` lines (a program may have children)."""
    total = {}
    for line in re.findall(r'^chunky: (.*)$', text, re.MULTILINE):
        for name, value in re.findall(r'([a-z_]+)=(\d+)(?=\s|$)', line):
            total[name] = total.get(name, 0) + int(value)
    return total


class Progress:
    """One line that is rewritten on a terminal, nothing elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.begin = total, 0, time.monotonic()
        self.live = sys.stderr.isatty()

    def __call__(self, workload, n, subject):
        if not self.live:
            return
        round_name = 'warm-up' if n < 0 else f'round {n + 1}'
        spent = time.monotonic() - self.begin
        left = f', about {spent / self.done * (self.total - self.done) / 60:.0f} min left' \
            if self.done else ''
        sys.stderr.write(f'\r\033[K[{self.done + 1}/{self.total}] {workload.name} '
                         f'{round_name} {subject.name}{left}')
        sys.stderr.flush()

    def finish(self, line):
        self.done += 1
        if self.live:
            sys.stderr.write('\r\033[K')
        sys.stderr.write(f'[{self.done}/{self.total}] {line}\n')
        sys.stderr.flush()
