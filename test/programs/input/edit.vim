" Edits big.c, writes it, and writes what it counted into result.
set nocompatible undolevels=5000
filetype on
syntax on
let words = {}
for line in getline(1, '$')
    for word in split(line, '\W\+')
        let words[word] = get(words, word, 0) + 1
    endfor
endfor
let rows = map(items(words), {_, pair -> printf('%6d %s', pair[1], pair[0])})
%s/\<\(\w\+\)_\(\d\+\)\>/\2_\1/g
g/case/normal! A // arm
g/memset/m$
for round in range(60)
    execute 'normal! ' . (round * 7 + 1) . 'GyyPA x' . round
    if round % 3 == 0
        silent undo
    endif
endfor
let kept = undotree().seq_last
silent earlier 20
silent later 20
%!sed s/heavy/weight/
silent! %s/weight\zs\(.*\)\n/\=len(submatch(1)) . "\n"/e
set foldmethod=indent
normal! zM
call writefile(sort(rows), 'sorted')
runtime syntax/c.vim
let names = {}
for number in range(1, 600)
    let name = synIDattr(synID(number, 5, 1), 'name')
    let names[name] = get(names, name, 0) + 1
endfor
call writefile(['<pre>'] + map(getline(1, '$'), 'substitute(v:val, "<", "\\&lt;", "g")'), 'words.html')
call writefile([line('$'), len(words), kept, string(sort(items(names)))], 'result')
write
quit!
