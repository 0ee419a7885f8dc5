import { OPS } from '../ops/index.ts';
import type { OpAttributes, OpName } from '../ops/op-attributes.ts';
import type { Shape } from '../shape.ts';
import type { Node, NodeOf, Value } from './value.ts';

export type { Node, Value } from './value.ts';

/** Training graphs hold dropout and batch statistics; inference graphs do not. */
export type Mode = 'training' | 'inference';

/** A network as ops over values, in an order in which they can run. */
export interface Graph {
  readonly values: readonly Value[];
  readonly nodes: readonly Node[];
}

/**
 * Collects the ops of a network. Layers call `apply`; whoever walks the layers sets `layer`, which names the nodes in
 * messages and in the cost of each layer. Nothing is allocated here: a graph is only shapes.
 */
export class GraphBuilder implements Graph {
  readonly mode: Mode;
  readonly values: Value[] = [];
  readonly nodes: Node[] = [];
  /** Name of the layer being built. */
  layer = '';
  #randomLayers = 0;

  constructor(mode: Mode) {
    this.mode = mode;
  }

  /** A tensor that a feed fills for every batch. */
  input(label: string, shape: Shape, type: 'real' | 'int32' = 'real'): Value {
    return this.value({ label, shape, batched: true, type, role: 'input' });
  }

  /** A trainable weight. */
  parameter(label: string, shape: Shape): Value {
    return this.value({ label, shape, batched: false, type: 'real', role: 'parameter' });
  }

  /** A weight the optimizer leaves alone, such as running statistics. */
  state(label: string, shape: Shape): Value {
    return this.value({ label, shape, batched: false, type: 'real', role: 'state' });
  }

  /** Applies an op and returns its first output. `linear` is no op: leave it out. */
  apply<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value {
    const [first] = this.applyAll(op, inputs, attributes);
    return first!;
  }

  /** Applies an op that has several outputs. */
  applyAll<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): readonly Value[] {
    const definition = OPS[op];
    const label = `${this.layer}: ${op}`;
    const alias = definition.alias ? { aliasOf: inputs[0]! } : {};
    const application = { inputs, attributes, layer: this.layer };
    const rowsPerRow = definition.rowsPerRow?.(application) ?? inputs.reduce((rows, input) => Math.max(rows, input.rowsPerRow ?? 1), 1);
    const repeated = rowsPerRow === 1 ? {} : { rowsPerRow };
    const outputs = definition.outputs(application).map((shape, i) => {
      const batched = !definition.perBatch?.includes(i);
      return this.value({ label, shape, batched, type: 'real', role: 'activation', ...alias, ...(batched && repeated) });
    });
    const node: NodeOf<K> = { op, inputs, outputs, attributes, layer: this.layer };
    // K is one op here, so the node is a member of the union; the checker cannot see that through a type parameter.
    this.nodes.push(node as Node);
    return outputs;
  }

  /** A tensor made outside the ops: gradients, accumulators. */
  value(value: Omit<Value, 'id'>): Value {
    const made = { id: this.values.length, ...value };
    this.values.push(made);
    return made;
  }

  /** The node that made a value, if an op did. */
  producer(value: Value): Node | undefined {
    return this.nodes.find((node) => node.outputs.includes(value));
  }

  /** Number of the next random layer, from 0: its Philox stream is this after the base of its kind in `STREAMS`. */
  nextStream(): number {
    this.#randomLayers += 1;
    return this.#randomLayers - 1;
  }
}
