// A network as an ONNX file (opset 13, protobuf written by hand: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), with
// weights of sines: enough for a measurement. Images are channels first, as the runtime likes them.

const FLOAT = 1;
const INTS = 7;

/** The bytes of the model, the shape of a row of its input, and how many values its kernels have. */
export function onnxModel({ input_shape, layers }) {
  const graph = { nodes: [], initializers: [], kernelValues: 0, last: 'x' };
  const shape = input_shape.length === 3 ? [input_shape[2], input_shape[0], input_shape[1]] : input_shape;
  let inner = shape;
  for (const layer of layers) inner = addLayer(graph, layer, inner);
  const body = [
    ...graph.nodes.map((node) => bytes(1, node)),
    text(2, 'bench'),
    ...graph.initializers.map((tensor) => bytes(5, tensor)),
    bytes(11, valueInfo('x', shape)),
    bytes(12, valueInfo(graph.last, inner)),
  ];
  const opset = bytes(8, integer(2, 13));
  return { model: Buffer.concat([integer(1, 8), bytes(7, Buffer.concat(body)), opset]), shape, kernelValues: graph.kernelValues };
}

function addLayer(graph, layer, shape) {
  const maker = { dense, conv2d, max_pooling2d: maxPooling, flatten }[layer.type];
  if (maker === undefined) throw new Error(`no ONNX node is written for ${layer.type}`);
  const output = maker(graph, layer, shape);
  if (layer.activation === 'relu') addNode(graph, 'Relu', []);
  if (layer.activation === 'softmax') addNode(graph, 'Softmax', []);
  return output;
}

function dense(graph, { units }, [inputs]) {
  addNode(graph, 'Gemm', [weight(graph, [inputs, units]), weight(graph, [units])]);
  return [units];
}

function conv2d(graph, { filters, kernel_size: size, padding }, [channels, height, width]) {
  const pad = padding === 'same' ? Math.floor(size / 2) : 0;
  const weights = [weight(graph, [filters, channels, size, size]), weight(graph, [filters])];
  addNode(graph, 'Conv', weights, [integers('kernel_shape', [size, size]), integers('pads', [pad, pad, pad, pad])]);
  return [filters, height + 2 * pad - size + 1, width + 2 * pad - size + 1];
}

function maxPooling(graph, _, [channels, height, width]) {
  addNode(graph, 'MaxPool', [], [integers('kernel_shape', [2, 2]), integers('strides', [2, 2])]);
  return [channels, Math.floor(height / 2), Math.floor(width / 2)];
}

function flatten(graph, _, shape) {
  addNode(graph, 'Flatten', []);
  return [shape.reduce((product, size) => product * size)];
}

/** A node that reads the last value and the given weights, and makes the next value. */
function addNode(graph, operator, weights, attributes = []) {
  const output = `v${graph.nodes.length}`;
  const inputs = [graph.last, ...weights].map((name) => text(1, name));
  graph.nodes.push(Buffer.concat([...inputs, text(2, output), text(4, operator), ...attributes.map((value) => bytes(5, value))]));
  graph.last = output;
}

function weight(graph, shape) {
  const name = `w${graph.initializers.length}`;
  const length = shape.reduce((product, size) => product * size);
  const values = Float32Array.from({ length }, (_, i) => Math.sin(i) / Math.sqrt(length));
  const raw = Buffer.from(values.buffer);
  graph.initializers.push(Buffer.concat([...shape.map((size) => integer(1, size)), integer(2, FLOAT), text(8, name), bytes(9, raw)]));
  if (shape.length > 1) graph.kernelValues += length;
  return name;
}

function valueInfo(name, shape) {
  const sizes = [bytes(1, text(2, 'rows')), ...shape.map((size) => bytes(1, integer(1, size)))];
  const tensor = Buffer.concat([integer(1, FLOAT), bytes(2, Buffer.concat(sizes))]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))]);
}

function integers(name, values) {
  return Buffer.concat([text(1, name), ...values.map((value) => integer(8, value)), integer(20, INTS)]);
}

function integer(field, value) {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function text(field, value) {
  return bytes(field, Buffer.from(value));
}

function bytes(field, value) {
  return Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
}

function varint(value) {
  const parts = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) parts.push((rest % 128) | 128);
  return Buffer.from([...parts, rest]);
}
