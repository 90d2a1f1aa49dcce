# Strings, hashes, structs, threads, fibers, the collector with compaction, children.
require 'digest'
require 'json'
require 'set'

source = Random.new(11)
words = Array.new(40_000) { Array.new(2 + source.rand(9)) { (97 + source.rand(26)).chr }.join }
count = words.each_with_object(Hash.new(0)) { |w, h| h[w[0, 2]] += w.size }
puts "words #{words.uniq.size} #{count.sort.first(6)}"
text = words.join(' ')
puts "gsub #{Digest::SHA256.hexdigest(text.gsub(/(\w+) (\w+)/) { "#{$2}-#{$1.reverse}" })[0, 16]}"
puts "scan #{text.scan(/\b([aeiou]\w*)\b/).size} #{text.tr('a-y', 'b-z').squeeze.size}"

Record = Struct.new(:id, :name, :list)
records = Array.new(20_000) { |i| Record.new(i, words[i].to_sym, Array.new(source.rand(12)) { source.rand(99) }) }
records.sort_by! { |r| [r.list.sum, r.name] }
copy = Marshal.load(Marshal.dump(records))
puts "records #{copy == records} #{records[5000].id} #{records[-1].list}"

tree = ->(d) { d.zero? ? source.rand(1000) : { 'a' => tree[d - 1], 'b' => [tree[d - 1]] * 2, 'c' => "\u00e9" * d } }
json = JSON.generate(tree[7])
puts "json #{json.size} #{Digest::SHA256.hexdigest(JSON.pretty_generate(JSON.parse(json)))[0, 16]}"

results = 8.times.map { |n|
  Thread.new { (1..4000).map { |i| "#{n}:#{i}" * (i % 20) }.select.with_index { |_, i| i % 7 == n % 7 }.sum(&:size) }
}.map(&:value)
puts "threads #{results}"

generator = Enumerator.new { |y| a, b = 0, 1; loop { y << a; a, b = b, a + b } }
puts "fibers #{generator.lazy.select(&:even?).first(400).last.digits.sum}"

kept = []
60_000.times { |i| o = [i, 'x' * (i % 300)]; kept << o if i % 600 == 0 }
GC.start
GC.compact if GC.respond_to?(:compact)
puts "kept #{kept.sum { |i, s| i + s.size }} #{Set.new(words).size}"
$stdout.flush
5.times do |n|
  out, inn = IO.pipe
  pid = fork { out.close; inn.puts Array.new(3000) { |i| words[i * n % 40_000] }.join.size, records.size; inn.close; exit!(0) }
  inn.close
  puts "child #{n} #{out.read.split}"
  Process.wait(pid)
  abort 'child failed' unless $?.success?
end
puts "big #{(3**20_000).to_s.size} #{1000.downto(1).inject(:*).to_s.delete('0').size}"
