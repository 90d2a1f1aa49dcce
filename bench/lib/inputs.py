"""Generated inputs of the real programs: the same bytes on every machine."""
import os

WORD = (1 << 64) - 1


class Random:
    """xorshift64*: the same sequence in every version of Python."""

    def __init__(self, seed):
        self.state = seed * 0x9e3779b97f4a7c15 & WORD | 1

    def below(self, limit):
        x = self.state
        x ^= x << 13 & WORD
        x ^= x >> 7
        x ^= x << 17 & WORD
        self.state = x
        return ((x * 0x2545f4914f6cdd1d & WORD) >> 16) % limit


def c_source(count=70):
    r = Random(1)
    lines = ['#include <stdio.h>', '#include <string.h>',
             'struct state { int a, b, c; char text[64]; };']
    for i in range(count):
        lines += [f'static int step_{i}(struct state *s, int n)', '{',
                  f'    int total = {r.below(1000)};']
        for k in range(4 + r.below(6)):
            lines += [f'    for (int i{k} = 0; i{k} < n + {r.below(9)}; i{k}++)',
                      f'        if ((s->a ^ i{k}) % {2 + r.below(50)} == {r.below(3)})',
                      f'            total += s->b * {r.below(90)} - (s->c >> {r.below(7)});',
                      '        else', f'            s->{"abc"[r.below(3)]} += total;']
        if i:
            lines.append(f'    total += step_{r.below(i)}(s, n - 1);')
        lines += ['    return total;', '}', '']
    lines += ['int main(int argc, char **argv)', '{', '    struct state s = {argc, 2, 3, ""};',
              '    int total = 0;']
    lines += [f'    total += step_{i}(&s, argc);' for i in range(count)]
    lines += ['    printf("%s %d\\n", argv[0], total);', '    return 0;', '}']
    return '\n'.join(lines) + '\n'


def cxx_source(count=5):
    lines = [f'#include <{h}>' for h in ('algorithm', 'functional', 'iostream', 'map',
                                         'memory', 'regex', 'string', 'unordered_map',
                                         'vector')]
    for i in range(count):
        lines += [f'template <class T> struct kind_{i} {{ T value; std::string name;',
                  f'    bool operator<(const kind_{i} &o) const {{ return name < o.name; }} }};',
                  f'int use_{i}(int n) {{',
                  f'    std::map<std::string, std::vector<kind_{i}<int>>> all;',
                  f'    std::unordered_map<int, std::function<int(int)>> calls;',
                  f'    for (int k = 0; k < n; k++) {{ all[std::to_string(k)].push_back('
                  f'{{k, "n{i}"}}); calls[k] = [k](int x) {{ return x * k + {i}; }}; }}',
                  '    int total = 0;',
                  '    for (auto &[name, list] : all) { std::sort(list.begin(), list.end());',
                  '        total += calls[(int)list.size()] ? 1 : (int)name.size(); }',
                  '    return total; }']
    lines += ['int main(int argc, char **) { int t = 0;']
    lines += [f'    t += use_{i}(argc);' for i in range(count)]
    return '\n'.join(lines + ['    return t == 0; }']) + '\n'


def smt_problem(variables=16, clauses=100):
    """Bit vectors: a second of z3, unsatisfiable."""
    r = Random(3)
    lines = ['(set-logic QF_BV)']
    lines += [f'(declare-const x{i} (_ BitVec 16))' for i in range(variables)]
    for _ in range(clauses):
        a, b, c = (r.below(variables) for _ in range(3))
        lines.append(f'(assert (or (bvult (bvadd x{a} x{b}) (_ bv{r.below(65536)} 16))'
                     f' (bvugt (bvxor x{c} x{a}) (_ bv{r.below(65536)} 16))'
                     f' (= (bvand x{b} x{c}) (_ bv{r.below(65536)} 16))))')
    for i in range(6):
        lines.append(f'(assert (= (bvmul x{i} (bvor x{i + 1} #x0003))'
                     f' (_ bv{2 * r.below(32768) + 1} 16)))')
    return '\n'.join(lines + ['(check-sat)']) + '\n'


def postscript(pages=40):
    r = Random(4)
    lines = ['%!PS-Adobe-3.0', '/Helvetica findfont 9 scalefont setfont']
    for page in range(pages):
        for i in range(90):
            lines.append(f'{20 + r.below(300)} {20 + 8 * i} moveto (page {page} line {i} '
                         f'{"word " * (1 + r.below(9))}) show')
        for _ in range(500):
            x, y = r.below(600), r.below(800)
            lines.append(f'newpath {x} {y} moveto {r.below(600)} {r.below(800)} '
                         f'{r.below(600)} {r.below(800)} {x} {y} curveto '
                         f'0.{r.below(10)} 0.{r.below(10)} 0.{r.below(10)} setrgbcolor fill')
        lines.append('showpage')
    return '\n'.join(lines) + '\n'


def json_records(count=30000):
    r = Random(5)
    rows = []
    for i in range(count):
        parts = ','.join(f'{{"n":{r.below(1000)},"s":"{"p" * r.below(12)}"}}'
                         for _ in range(1 + r.below(4)))
        rows.append(f'{{"id":{i},"kind":{r.below(60)},"name":"name-{r.below(10**6)}",'
                    f'"parts":[{parts}]}}')
    return '[' + ',\n'.join(rows) + ']\n'


MADE = {'work.c': c_source, 'work.cc': cxx_source, 'work.smt2': smt_problem,
        'work.ps': postscript, 'work.json': json_records}


def write(work):
    """All inputs into the folder `work`; those that are there are left alone."""
    os.makedirs(work, exist_ok=True)
    for name, make in MADE.items():
        path = os.path.join(work, name)
        if not os.path.exists(path):
            with open(path + '.new', 'w') as f:
                f.write(make())
            os.rename(path + '.new', path)
