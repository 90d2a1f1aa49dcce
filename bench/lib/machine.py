"""What is measured on, and the build that is measured."""
import os
import platform
import subprocess


def describe():
    with open('/proc/cpuinfo') as f:
        model = next((l.split(':')[1].strip() for l in f if l.startswith('model name')), '')
    with open('/proc/meminfo') as f:
        memory = int(f.readline().split()[1]) // 1024
    pages = '/sys/kernel/mm/transparent_hugepage/enabled'
    huge = 'none'
    if os.path.exists(pages):
        with open(pages) as f:
            huge = f.read().split('[')[-1].split(']')[0]
    return {'cpu': model, 'cpus': len(os.sched_getaffinity(0)), 'memory_mib': memory,
            'kernel': platform.release(), 'libc': ' '.join(platform.libc_ver()),
            'huge_pages': huge}


def build_programs(build):
    """Brings the workloads of a build tree up to date; returns their folder."""
    if os.path.exists(os.path.join(build, 'CMakeCache.txt')):
        subprocess.run(['cmake', '--build', build, '--target', 'bench_programs',
                        '--parallel', str(os.cpu_count() or 2)], check=True,
                       stdout=subprocess.DEVNULL)
    return os.path.join(build, 'bench')
