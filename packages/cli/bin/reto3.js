#!/usr/bin/env -S node --max-semi-space-size=1
// The command line. All of it is in src/; this file only starts it.
//
// The flag: V8 lets the space of young objects grow to 3 × 16 MB and keeps it; with 1 MB it collects
// more often, a server holds 11 MB less, and neither counting nor an export is slower. `npm start`
// gives the same flag. Started as `node reto3.js` it runs as well, with the memory.
import { main } from '../dist/main.js';

await main(process.argv.slice(2));
