\pset null -
select sum(abalance) = (select sum(bbalance) from pgbench_branches),
       sum(abalance) = (select sum(tbalance) from pgbench_tellers),
       sum(abalance) = (select sum(delta) from pgbench_history),
       sum(abalance), md5(string_agg(aid || ':' || abalance, ',' order by aid))
  from pgbench_accounts where abalance <> 0;
create table person as
  select i id, md5(i::text) name, i * 31 % 500 town, jsonb_build_object('n', i, 'l', array[i, i + 1]) data
    from generate_series(1, 40000) i;
create index on person (town, name);
create index on person using gin (data);
analyze person;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set work_mem = '512kB';
select count(*), md5(string_agg(name, '' order by name)) from person where name like '%a%';
select town, count(*), string_agg(left(name, 3), ',' order by id) from person
 where town < 3 and id < 4000 group by town order by town;
select count(*), sum(a.id) from person a join person b on a.town = b.town where a.id % 40 = 0;
select sum((data->>'n')::bigint), jsonb_agg(data order by id) filter (where id % 9000 = 1) from person;
select count(*) from person where data @> '{"l": [77]}';
with recursive walk(id, depth) as (
  select 1, 0 union select id * 3 % 40001, depth + 1 from walk where depth < 5000)
select count(*), sum(id) from walk;
do $$
declare r record; total bigint := 0;
begin
  for r in select name, regexp_replace(name, '([a-f]+)([0-9]+)', '\2-\1', 'g') swapped from person limit 15000 loop
    total := total + length(r.swapped) + strpos(r.swapped, '-');
    begin
      if total % 1000 = 0 then raise exception 'at %', total; end if;
    exception when others then total := total + 1;
    end;
  end loop;
  raise notice 'total %', total;
end $$;
