/** The part of fs-native-extensions (which ships no types) that db/lock.ts uses. */
declare module 'fs-native-extensions' {
  export function tryLock(fd: number, options?: { exclusive?: boolean }): boolean;
  export function unlock(fd: number): void;
}

/** The part of WebAssembly that db/schemaEngine.ts uses; Node's types leave it to the browser's. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>;
  function instantiate(
    code: Uint8Array,
    imports: Imports,
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
}
