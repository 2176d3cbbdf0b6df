/**
 * Bundles what others wrote and the programs import into dist/packages/. It lies apart from our own code, so that an
 * error's stack still says whose line it was thrown by (src/observe/safeError.ts), and its white space is
 * taken out, which our own keeps: there nobody looks for a place in it.
 */
import { build as bundle, type Metafile, type Plugin } from 'esbuild';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** What cannot be bundled: native code, and WebAssembly and data that are looked for beside the code. */
const OUTSIDE = ['fs-native-extensions', '@electric-sql/pglite', '@prisma/schema-engine-wasm'];

const isOutside = (specifier: string) => OUTSIDE.some((name) => `${specifier}/`.startsWith(`${name}/`));
const fileOf = (specifier: string) =>
  specifier
    .replace(/^@/, '')
    .replaceAll('/', '-')
    .replace(/\.m?js$/, '');

/** Has imports of packages go to their bundles, and notes in `imported` which there must be. */
export function fromPackages(imported: Set<string>): Plugin {
  return {
    name: 'packages',
    setup(build) {
      build.onResolve({ filter: /^[@\w]/ }, ({ path, kind }) => {
        if (kind === 'entry-point' || isBuiltin(path)) return undefined;
        if (isOutside(path)) return { path, external: true };
        imported.add(path);
        return { path: `./packages/${fileOf(path)}.js`, external: true };
      });
    },
  };
}

/** Bundles packages by what was imported of them into `directory`, and returns the names of its files. */
export async function bundlePackages(imported: Set<string>, directory: string): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const { metafile } = await bundle({
    entryPoints: [...imported].map((specifier) => ({ in: `entry:${specifier}`, out: fileOf(specifier) })),
    outdir: directory,
    bundle: true,
    splitting: true,
    external: OUTSIDE,
    // Names stay as they are, since some libraries know errors by them. `keepNames` would cost each function that is made.
    minifyWhitespace: true,
    minifySyntax: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // What is written as CommonJS asks for Node's own modules by `require`.
    banner: {
      js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`,
    },
    chunkNames: 'shared-[hash]',
    legalComments: 'none', // The licences are written as a whole.
    metafile: true,
    logLevel: 'warning',
    plugins: [entries, webAssembly(directory), oneLanguage, graphqlAsModules],
  });
  requireOneGraphql(metafile);
  await writeFile(join(directory, LICENCES), await licencesOf(metafile));
  return [...Object.keys(metafile.outputs), WASM, LICENCES];
}

/** A package as an entry point: all the names that Node gives to who imports it. */
const entries: Plugin = {
  name: 'entries',
  setup(build) {
    build.onResolve({ filter: /^entry:/ }, ({ path }) => ({
      path: `${path.slice(6)}.mjs`,
      namespace: 'entry',
    }));
    build.onLoad({ filter: /./, namespace: 'entry' }, async ({ path }) => {
      const specifier = path.slice(0, -4);
      const names = Object.keys((await import(specifier)) as object).filter((name) => /^\w+$/.test(name));
      return { contents: `export { ${names.join(', ')} } from '${specifier}';`, resolveDir: process.cwd() };
    });
  },
};

const WASM = 'queryCompiler.wasm';

/** Prisma carries its query compiler as 4 MB of base64, which would be read as source: it becomes a file of bytes. Its client
 * calls Buffer.from of them, which copies a buffer and takes an ArrayBuffer as it is. */
function webAssembly(directory: string): Plugin {
  return {
    name: 'webAssembly',
    setup(build) {
      build.onLoad({ filter: /\.wasm-base64\.mjs$/ }, async ({ path }) => {
        const [, base64] = /const wasm = "([^"]+)"/.exec(await readFile(path, 'utf8')) ?? [];
        if (base64 === undefined)
          throw new Error(`${path} is not as it was: it has no WebAssembly in base64`);
        await writeFile(join(directory, WASM), Buffer.from(base64, 'base64'));
        return {
          contents: `import { readFileSync } from 'node:fs';
            export const wasm = readFileSync(new URL('./${WASM}', import.meta.url)).buffer;`,
        };
      });
    },
  };
}

const LICENCES = 'LICENCES.txt';

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** The licences of all that was bundled, as each package brings its own. */
async function licencesOf({ inputs }: Metafile): Promise<string> {
  const folders = Object.keys(inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  );
  const texts = [...new Set(folders)].toSorted().map(async (folder) => {
    const names = (await readdir(folder)).filter((name) => /^(?:licen[cs]e|notice|copying)/i.test(name));
    const { name, version, license } = manifest.parse(
      JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
    );
    const files = await Promise.all(names.map((file) => readFile(join(folder, file), 'utf8')));
    return [`${name} ${version}: ${license}`, ...files.map((text) => text.trim())].join('\n\n');
  });
  return `${(await Promise.all(texts)).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** zod's messages are kept in English alone: the others of its fifty languages would be read at every start. */
const oneLanguage: Plugin = {
  name: 'oneLanguage',
  setup(build) {
    build.onLoad({ filter: /node_modules.zod.v4.locales.index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    }));
  },
};

/**
 * Of graphql the ES modules are taken. For each import of its CommonJS by a module there would be an object with a getter
 * for each of its 250 names, which for 150 imports took time and 5 MB at every start.
 */
const graphqlAsModules: Plugin = {
  name: 'graphqlAsModules',
  setup(build) {
    build.onResolve({ filter: /^graphql(?:\/.+)?$/ }, ({ path }) => {
      const name = path === 'graphql' ? 'graphql/index' : path.replace(/\.m?js$/, '');
      return { path: fileURLToPath(import.meta.resolve(`${name}.mjs`)) };
    });
  },
};

/** Two copies of graphql, as CommonJS and as ES modules, would not know each other's types. */
function requireOneGraphql({ inputs }: Metafile): void {
  const files = Object.keys(inputs).filter((path) => path.includes('node_modules/graphql/'));
  const kinds = new Set(files.map((path) => path.slice(path.lastIndexOf('.'))));
  if (kinds.size !== 1) throw new Error(`graphql would be bundled as ${[...kinds].join(' and ')}`);
}
