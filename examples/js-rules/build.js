// `node build.js WIT COMPONENT`: makes a component of src/rules.js.
//
// Every feature of the JavaScript engine that would ask the host for something is left out: no output, no clock, no
// randomness, no HTTP. What is not there then can't be used: Date and timers trap, Math.random gives the same numbers.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentize } from '@bytecodealliance/componentize-js';
import { componentWit } from '@bytecodealliance/jco';

const [wit, target] = process.argv.slice(2).map((path) => resolve(path));
const { component } = await componentize({
  sourcePath: fileURLToPath(new URL('src/rules.js', import.meta.url)),
  witPath: wit,
  worldName: 'rules',
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
const imported = (await componentWit(component)).split('\n').filter((line) => /^ {2}import /.test(line));
if (imported.length > 0) {
  throw new Error(`rules may import nothing:\n${imported.join('\n')}`);
}
await mkdir(dirname(target), { recursive: true });
await writeFile(target, component);
console.log(`${target}: ${Math.ceil(component.length / 1024)} KB, imports nothing`);
