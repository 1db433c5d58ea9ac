#!/usr/bin/env node
import { runLabDaemon } from '../dist/lab/daemon-main.js';

process.exit(await runLabDaemon(process.argv[2], process));
