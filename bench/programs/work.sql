-- Fixed work for sqlite3, in memory: inserts, indexes, joins, groups, text.
PRAGMA cache_size = -65536;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO item SELECT i, 'item-' || (i * 7919 % 100003) || '-' || hex(i * i), i % 97,
    (i * 31 % 1000) / 8.0 FROM n;
CREATE INDEX item_name ON item(name);
CREATE INDEX item_kind ON item(kind, price);
CREATE TABLE sale(item INTEGER, day INTEGER, count INTEGER);
INSERT INTO sale SELECT (id * 13) % 100000 + 1, id % 365, id % 9 FROM item;
SELECT kind, count(*), round(sum(price * count), 2) FROM item JOIN sale ON item = id
    GROUP BY kind ORDER BY 3 DESC LIMIT 3;
SELECT substr(name, 1, 7) AS prefix, count(*), group_concat(id, ' ') FROM item
    WHERE kind < 5 GROUP BY prefix ORDER BY 2 DESC, 1 LIMIT 2;
UPDATE item SET name = name || '-' || kind WHERE kind % 3 = 0;
DELETE FROM sale WHERE day % 2 = 0;
SELECT count(*), max(length(name)), min(name) FROM item;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name;
