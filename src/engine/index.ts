// The engine's front door: everything else of the service imports the engine through this file only.

export { type Backend, CONTROL, STOP } from './backends/backend.ts';
export { type BackendName, selectBackend } from './backends/select.ts';
export { catalog, modelSpecSchema, trainingSchema } from './catalog.ts';
export { runCase } from './conformance/index.ts';
export { engineVersion } from './engine-version.ts';
export { FAULT_CODES } from './fault-codes.ts';
export type { Fault } from './faults.ts';
export { faultsBelow } from './faults.ts';
export { pointerTo } from './json-schema.ts';
export { nearest } from './nearest.ts';
export { permutation, STREAMS } from './random.ts';
export { checkSchema, parseSchema, withDefaults } from './schema.ts';
export { checkSpec } from './spec/check-spec.ts';
export { checkTraining } from './spec/check-training.ts';
export { readGivenWeights } from './spec/given-weights.ts';
export { inferTask } from './spec/infer-task.ts';
export type { DataSignature, LayerReport, ModelSpec, SpecLimits, SpecReport, TargetSignature, Task } from './spec/model-spec.ts';
export { resumeFaults } from './spec/resume-faults.ts';
export { weightsOfState } from './trainer/engine-state.ts';
export { type Estimate, estimateTraining } from './trainer/estimate.ts';
export type { LayerDiagnostics } from './trainer/layer-diagnostics.ts';
export { type TestedLearningRates, testLearningRates } from './trainer/learning-rate-range.ts';
export { DEFAULT_RANGE, type LearningRateRange } from './trainer/learning-rate-sweep.ts';
export { loadPredictor, type Predictor } from './trainer/predictor.ts';
export { evaluate, train } from './trainer/trainer.ts';
export type {
  EncodedRows,
  EpochReport,
  HeldData,
  Split,
  StoredData,
  TrainingData,
  TrainingOptions,
  TrainRequest,
  TrainResult,
} from './trainer/training.ts';
export {
  decodeWeights,
  encodeSafetensors,
  type ReadableFile,
  safetensorsPieces,
  weightsData,
} from './weights/safetensors.ts';
export type { NamedTensor } from './weights/tensor.ts';
