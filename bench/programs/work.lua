-- Fixed work for lua: trees, strings, tables, closures.
local function tree(depth)
    if depth == 0 then return {1} end
    return {tree(depth - 1), tree(depth - 1)}
end

local function count(t)
    if t[1] == 1 then return 1 end
    return count(t[1]) + count(t[2])
end

local leaves = 0
for _ = 1, 24 do leaves = leaves + count(tree(15)) end

local words, total = {}, 0
for i = 1, 400000 do
    local word = ("w%d-%s"):format(i % 9973, ("ab"):rep(i % 13))
    words[word] = (words[word] or 0) + 1
end
for word, n in pairs(words) do total = total + #word * n end

local queue = {}
for i = 1, 150000 do queue[#queue + 1] = function(x) return x + i end end
local sum = 0
for i = #queue, 1, -1 do sum = queue[i](sum) % 1000003; queue[i] = nil end

local parts = {}
for i = 1, 60000 do parts[#parts + 1] = tostring(i * i) end
local text = table.concat(parts, ",")
local digits = 0
for number in text:gmatch("%d+") do digits = digits + #number end
print(leaves, total, sum, digits)
