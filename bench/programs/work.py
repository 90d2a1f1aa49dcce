# Fixed work for python3: objects, strings, dicts, json, sorting, regular expressions.
import json
import re


class Node:
    def __init__(self, key, parent):
        self.key, self.parent, self.children = key, parent, []


def tree(count):
    nodes = [Node('root', None)]
    for i in range(1, count):
        parent = nodes[(i * 7919) % len(nodes)]
        nodes.append(Node(f'node-{i}', parent))
        parent.children.append(nodes[-1])
    return sum(len(n.children) * len(n.key) for n in nodes)


def words(count):
    seen = {}
    for i in range(count):
        word = ''.join(chr(97 + (i * k) % 26) for k in (1, 3, 5, 7, i % 11))
        seen.setdefault(word, []).append(i)
    return sum(len(w) * len(v) for w, v in sorted(seen.items()))


def documents(count):
    total = 0
    for i in range(count):
        text = json.dumps({'id': i, 'tags': [f't{k}' for k in range(i % 20)],
                           'body': {'text': 'x' * (i % 300), 'n': [i, i * 2.5, None]}})
        total += len(json.loads(text)['tags']) + len(text)
    return total


def lines(count):
    text = '\n'.join(f'{i}: key{i % 97} = value {i * i}' for i in range(count))
    found = re.findall(r'key(\d+) = value (\d+)', text)
    parts = [line.split() for line in text.splitlines()]
    return sum(int(a) for a, _ in found) + sum(map(len, parts))


print(tree(150000), words(150000), documents(20000), lines(120000))
