BEGIN;
CREATE TEMP TABLE item AS SELECT i AS id, 'item-' || (i::bigint * 7919 % 100003) AS name, i % 97 AS kind FROM generate_series(1, 100000) AS i;
CREATE INDEX item_name ON item(name);
SELECT kind, count(*), string_agg(name, ',' ORDER BY id) IS NOT NULL AS joined FROM item GROUP BY kind ORDER BY kind LIMIT 3;
SELECT count(*), max(length(x)) FROM (SELECT name || repeat('x', kind) AS x FROM item ORDER BY name, id) AS s;
SELECT count(DISTINCT name) FROM item;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name;
SELECT length(string_agg(name, ',' ORDER BY id)) FROM item;
ROLLBACK;
