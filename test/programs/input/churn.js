// Objects, maps, buffers of malloc, zlib and crypto off the main thread, workers, a child.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');
const { promisify } = require('util');
const { execFileSync } = require('child_process');

function randomSource(seed) {
    let state = seed;
    return n => {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
        return state % n;
    };
}
const digest = data => crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);

function tree(random, depth) {
    if (depth === 0)
        return ['s'.repeat(random(40)), random(1e6) / 7, null, true][random(4)];
    if (random(2))
        return Array.from({ length: 1 + random(6) }, () => tree(random, depth - 1));
    const object = {};
    for (let i = 1 + random(6); i > 0; i--)
        object['k' + i] = tree(random, depth - 1);
    return object;
}

function work(seed) {
    const random = randomSource(seed);
    const table = new Map();
    for (let i = 0; i < 120000; i++) {
        const key = 'key' + random(9000);
        if (table.has(key) && i % 3)
            table.delete(key);
        else
            table.set(key, { i, bytes: Buffer.alloc(random(600), i & 255) });
    }
    let sum = 0;
    for (const { bytes } of table.values())
        sum += bytes.length + (bytes[0] || 0);
    const text = JSON.stringify(Array.from({ length: 30 }, () => tree(random, 5)));
    const again = JSON.stringify(JSON.parse(text), null, 1);
    const words = again.replace(/"k(\d)": /g, '<$1>').split(/[\s,]+/);
    return [table.size, sum, digest(again), words.length, digest(words.sort().join())].join(' ');
}

async function main() {
    console.log('main', work(1));
    const workers = [2, 3, 4].map(seed => new Promise((done, failed) => {
        const worker = new Worker(__filename, { workerData: seed });
        worker.on('message', done);
        worker.on('error', failed);
    }));
    const gzip = promisify(zlib.gzip), gunzip = promisify(zlib.gunzip);
    const pbkdf2 = promisify(crypto.pbkdf2);
    const blocks = Array.from({ length: 12 }, (_, n) =>
        Buffer.from(Array.from({ length: 30000 }, (_, i) => (i * n * 7919) % 1009).join()));
    const packed = await Promise.all(blocks.map(block => gzip(block, { level: 6 })));
    const unpacked = await Promise.all(packed.map(block => gunzip(block)));
    console.log('zlib', unpacked.every((block, n) => block.equals(blocks[n])));
    const keys = await Promise.all(blocks.map((_, n) => pbkdf2('p' + n, 'salt', 500, 32, 'sha512')));
    console.log('keys', digest(Buffer.concat(keys)));
    console.log('workers', await Promise.all(workers));
    console.log('child', execFileSync(process.execPath, ['-p', '[...Array(9).keys()].join()']).toString().trim());
    const views = [];
    for (let i = 0; i < 400; i++)
        views[i % 20] = new Float64Array(1000 + i * 50).fill(i);
    console.log('views', views.reduce((sum, view) => sum + view[view.length - 1], 0));
}

if (isMainThread)
    main();
else
    parentPort.postMessage(work(workerData));
