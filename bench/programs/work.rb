# Fixed work for ruby: objects, strings, hashes, arrays, symbols.
class Item
  attr_reader :name, :parts
  def initialize(name)
    @name = name
    @parts = []
  end
end

items = (0...80_000).map { |i| Item.new("item-#{i}-#{'x' * (i % 40)}") }
items.each_with_index { |item, i| item.parts << items[(i * 31) % items.size].name + '!' }
names = items.sum { |item| item.parts.first.size }

index = Hash.new { |h, k| h[k] = [] }
200_000.times { |i| index["key#{i % 5003}"] << i.to_s }
total = index.values.sum { |list| list.join(',').size }

text = (0...40_000).map { |i| "#{i}:#{i * i}:#{i.to_s(36)}" }.join("\n")
fields = text.lines.map { |line| line.chomp.split(':') }
longest = fields.map { |f| f.last.size }.max
reversed = fields.map { |f| f.map(&:reverse).join('-') }.sort.first(5).join(' ')
puts names, total, longest, reversed
