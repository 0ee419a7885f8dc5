/** Every code a fault or a warning of the engine can carry. Codes are forever; the documentation is generated from this table. */
export const FAULT_CODES = {
  // Structure of any body
  unknown_field: 'The object has no such field.',
  missing_field: 'A field that has no default is absent.',
  wrong_type: 'The value is of another type, e.g. a string where a number belongs.',
  out_of_range: 'The number lies outside its bounds.',
  not_one_of: 'The value is not one of those allowed.',
  wrong_length: 'The text or list is too short or too long.',
  wrong_format: 'The text does not match the pattern.',
  duplicate_value: 'A list that must not repeat itself does.',
  // Networks
  unknown_layer: 'There is no layer of this type.',
  duplicate_name: 'Two layers have the same name.',
  input_mismatch: 'The input shape does not hold as many values as the dataset has features.',
  missing_flatten: 'A layer works on the last axis only, where one vector per row is needed.',
  no_trainable_weights: 'The network has nothing to learn.',
  shape_mismatch: 'The layer cannot take the shape that reaches it.',
  target_mismatch: 'The output of the network does not fit the target.',
  sequence_output: 'A recurrent layer gives every step, where one vector per row is needed.',
  missing_return_sequences: 'A recurrent layer gives one vector, where the next layer needs every step.',
  single_unit_softmax: 'A softmax over one unit is always 1.',
  unknown_reference: 'There is no input, layer or output of this name.',
  cycle: 'Layers wait for each other.',
  unused_layer: 'No output depends on this layer or input.',
  input_count: 'The layer takes another number of inputs.',
  dtype_mismatch: 'Whole numbers arrive where real ones are needed, or the other way round.',
  limit_exceeded: 'The network or the training is larger than a limit of this server.',
  // Training
  loss_mismatch: 'The loss does not fit the target or the output of the network.',
  metric_mismatch: 'The metric does not fit the task, or is not computed by this job.',
  optimizer_mismatch: 'The optimizer is for another kind of network or loss.',
  schedule_mismatch: 'Options of the schedule contradict each other.',
  unknown_class: 'The target has no such class.',
  unknown_weight: 'The network has no weight of this name.',
  weight_mismatch: 'A weight has another shape, or holds something that is no number.',
  weights_unavailable: 'The rows bring no such weights.',
  // Warnings
  zero_kernel: 'A kernel that starts at zero gives all units of the layer the same gradient.',
  dropout_at_output: 'Dropout after the last layer with weights drops predictions.',
  softmax_with_squared_error: 'Softmax with a squared error learns slowly where it is wrong.',
  stacked_linear_layers: 'Dense layers without an activation between them are one dense layer.',
  unbounded_probabilities: 'The loss expects probabilities, the output layer does not give any.',
  batch_larger_than_data: 'The batch holds all rows: every epoch is one step.',
  bounded_output: 'The last activation cannot reach all values of a numeric target.',
} as const satisfies Record<string, string>;

export type FaultCode = keyof typeof FAULT_CODES;
