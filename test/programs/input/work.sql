pragma journal_mode = wal;
pragma synchronous = off;
pragma cache_size = -4000;
create table person (id integer primary key, name text not null, town integer, born integer);
create table town (id integer primary key, name text, area real);
create table visit (person integer, town integer, day integer, note text);
begin;
insert into town
with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
select i, 'town ' || printf('%04d', i * 7919 % 10007), i * 1.5 from n;
insert into person
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
select i, 'person ' || (i * 7919 % 1000003) || substr('abcdefghij', i % 10 + 1), i * 31 % 500 + 1,
       1900 + i * 17 % 120 from n;
insert into visit
with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
select i * 104729 % 60000 + 1, i * 1299709 % 500 + 1, i % 3650, hex(i * 2654435761 % 4294967296) from n;
commit;
create index visit_person on visit (person, day);
create index person_name on person (name collate nocase);
analyze;
select count(*), sum(length(name)), min(name), max(name) from person;
select t.name, count(*) visits, count(distinct v.person) people, max(v.note)
  from visit v join town t on t.id = v.town join person p on p.id = v.person
 where p.born between 1950 and 1980 group by t.id order by visits desc, t.name limit 12;
select p.name, group_concat(v.day, ',') from person p join visit v on v.person = p.id
 where p.name like 'person 99%' group by p.id order by p.name limit 8;
select born, n, sum(n) over (order by born rows 5 preceding) from
  (select born, count(*) n from person group by born) order by born limit 10;
select json_group_array(json_object('id', id, 'name', name)) from person where id % 7000 = 1;
begin;
update person set name = upper(name) || name where id % 3 = 0;
delete from visit where day % 2 = 0;
select count(*), sum(length(name)), (select count(*) from visit) from person;
rollback;
create virtual table words using fts5(body);
insert into words select 'note ' || note || ' of ' || (person % 100) from visit where rowid <= 15000;
select count(*) from words where words match '"of 42" OR "note"';
delete from person where id % 5 = 0;
vacuum;
pragma integrity_check;
