#!/usr/bin/env node
// The command line. All of it is in src/; this file only starts it.
import { main } from '../dist/main.js';

await main(process.argv.slice(2));
