#!/usr/bin/env -S env MALLOC_ARENA_MAX=2 node --max-semi-space-size=1
// The command line. All of it is in src/; this file only starts it.
//
// The flag: V8 lets the space of young objects grow to 3 × 16 MB and keeps it; with 1 MB it collects
// more often, a server holds 11 MB less, and neither counting nor an export is slower. The variable:
// glibc gives threads that allocate at once heaps of their own, and each keeps what was freed in it;
// with two heaps for all a server holds 4 MB less. `npm start` gives both. Started as `node reto3.js`
// it runs as well, with the memory. (`env` twice: the shims that package managers make of this line
// take its first word for a program.)
import { main } from '../dist/main.js';

await main(process.argv.slice(2));
