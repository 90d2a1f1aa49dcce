-- Binary trees, string building, gsub, sorting, coroutines, weak tables.
collectgarbage(arg[1])
local state = 7
local function random(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state % n
end

local function tree(depth)
    if depth == 0 then return {} end
    return { tree(depth - 1), tree(depth - 1), name = "n" .. depth }
end
local function count(t) return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end
local long = tree(14)
local nodes = 0
for depth = 4, 12, 2 do
    for _ = 1, 2 ^ (12 - depth) * 6 do nodes = nodes + count(tree(depth)) end
end
print("trees", nodes, count(long))

local words, seen = {}, {}
for i = 1, 40000 do
    local word = {}
    for k = 1, 2 + random(8) do word[k] = string.char(97 + random(26)) end
    words[i] = table.concat(word)
    seen[words[i]] = (seen[words[i]] or 0) + 1
end
table.sort(words, function(a, b) return a > b end)
print("words", words[1], words[20000], seen[words[1]], #table.concat(words, " "))
local text = table.concat(words, " ")
local swapped, changes = text:gsub("(%w+) (%w+)", "%2-%1")
print("gsub", #swapped, changes, swapped:sub(5000, 5060))

local function lines(n)
    return coroutine.wrap(function()
        for i = 1, n do coroutine.yield(("%d:%s"):format(i, ("x"):rep(i % 100))) end
    end)
end
local bytes = 0
for _ = 1, 60 do
    for line in lines(500) do bytes = bytes + #line end
end
print("coroutines", bytes)

local cache = setmetatable({}, { __mode = "v" })
local kept = {}
for i = 1, 100000 do
    local object = setmetatable({ i }, { __gc = i % 50 == 0 and function(o) kept.last = o[1] end or nil })
    cache[i % 1000] = object
    if i % 997 == 0 then kept[#kept + 1] = object end
end
collectgarbage()
print("kept", #kept, kept[10][1], kept.last ~= nil)

local queue, head, tail = {}, 1, 0
for i = 1, 200000 do
    tail = tail + 1
    queue[tail] = { i, tostring(i) }
    if i % 3 ~= 0 then queue[head] = nil; head = head + 1 end
end
print("queue", tail - head + 1, queue[head][2])
