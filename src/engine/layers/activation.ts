import Type from 'typebox';
import { ACTIVATIONS, type ActivationName, activationOf } from './activations.ts';
import { defineLayer, passMask } from './layer.ts';

const names = Object.keys(ACTIVATIONS).filter((name): name is ActivationName => Object.hasOwn(ACTIVATIONS, name));

/** An activation with its own options, which a name at the end of another layer cannot have. */
export const activation = defineLayer({
  type: 'activation',
  summary: 'An activation by itself, with its own options next to the name.',
  options: Type.Unsafe<{ activation: ActivationName }>(
    Type.Union(
      names.map((name) =>
        Type.Object({
          activation: Type.Literal(name, { description: ACTIVATIONS[name].summary }),
          ...activationOf(name).options.properties,
        }),
      ),
    ),
  ),
  outputShape: (_options, [input]) => input!,
  weights: () => [],
  outputActivation: (options) => (options.activation === 'linear' ? null : options.activation),
  build: (graph, options, [input]) => activationOf(options.activation).apply(graph, input!, options),
  outputMask: passMask,
});
