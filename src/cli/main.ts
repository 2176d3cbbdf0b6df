#!/usr/bin/env node
import { readConfig } from '../config.ts';
import { serveUntilSignal } from '../main.ts';

await serveUntilSignal(readConfig());
