import { startSandbox } from '../../src/sandbox/server.ts';

/** A sandbox in a process of its own, to be killed: `serve.ts <dataDir> <speed>`; prints its URL. */
const [, , dataDir = '', speed = '1'] = process.argv;
const sandbox = await startSandbox({ dataDir, speed: Number(speed) });
console.log(sandbox.url);
