/*
 * The part of the WebAssembly JavaScript interface that `wasm.ts` and `native/wasm` use (https://www.w3.org/TR/wasm-js-api-2/). TypeScript
 * has it only together with everything else of a browser.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
    static customSections(module: Module, name: string): ArrayBuffer[];
  }

  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, object>>>>);
    readonly exports: object;
  }

  class Memory {
    /** Sizes are in pages of 64 KiB. */
    constructor(limits: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }

  class Table {
    constructor(description: { readonly initial: number; readonly element: 'anyfunc' });
  }

  class Global {
    constructor(type: { readonly value: 'i32'; readonly mutable: boolean }, value: number);
  }
}
