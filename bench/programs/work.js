// Fixed work for node: what reaches malloc from it: buffers, compression, hashes,
// strings in and out, JSON, beside its own heap.
'use strict';
const zlib = require('zlib');
const crypto = require('crypto');

let bytes = 0;
const kept = [];
for (let i = 0; i < 12000; i++) {
    const buffer = Buffer.alloc(1000 + (i * 7919) % 60000, i & 0xff);
    bytes += buffer[buffer.length >> 1];
    if (i % 4 === 0) kept.push(buffer);
    if (kept.length > 200) kept.shift();
}
const text = Array.from({length: 4000}, (_, i) => `row ${i} ${'x'.repeat(i % 90)}`).join('\n');
let packed = 0;
for (let i = 0; i < 40; i++) {
    const small = zlib.deflateSync(text.slice(i * 1000));
    packed += zlib.inflateSync(small).length;
}
const hash = crypto.createHash('sha256');
for (let i = 0; i < 3000; i++) hash.update(text.slice(i, i + 500));
const rows = [];
for (let i = 0; i < 150000; i++) rows.push({id: i, name: `n${i}`, tags: [i % 7, i % 11]});
const again = JSON.parse(JSON.stringify(rows));
console.log(bytes, packed, hash.digest('hex').slice(0, 16), again.length);
