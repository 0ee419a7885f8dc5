// The engine's front door: everything else of the service imports the engine through this file only.

export { type Backend, CONTROL } from './backends/backend.ts';
export { type BackendName, selectBackend } from './backends/select.ts';
export { type CatalogEntry, type CatalogKind, catalog, modelSpecSchema, trainingSchema } from './catalog.ts';
export { engineVersion } from './engine-version.ts';
export { FAULT_CODES, type FaultCode } from './fault-codes.ts';
export type { Fault } from './faults.ts';
export { faultsBelow } from './faults.ts';
export type { PatchOperation } from './json-patch.ts';
export { applyPatch } from './json-patch.ts';
export { pointerTo } from './json-schema.ts';
export { nearest } from './nearest.ts';
export { permutation, STREAMS } from './random.ts';
export { checkSchema, parseSchema, withDefaults } from './schema.ts';
export { checkSpec, type SpecCheck } from './spec/check-spec.ts';
export { checkTraining, type TrainingCheck, type TrainingReport } from './spec/check-training.ts';
export { inferTask, type TargetColumn } from './spec/infer-task.ts';
export type { DataSignature, LayerReport, LayerSpec, ModelSpec, SpecLimits, SpecReport, TargetSignature, Task } from './spec/model-spec.ts';
export { type Estimate, type EstimateRequest, estimateTraining } from './trainer/estimate.ts';
export { loadPredictor, type Predictor } from './trainer/predictor.ts';
export { train } from './trainer/trainer.ts';
export type {
  BestEpoch,
  EpochReport,
  Metrics,
  Split,
  TrainerStopReason,
  TrainingData,
  TrainingOptions,
  TrainRequest,
  TrainResult,
} from './trainer/training.ts';
export {
  decodeSafetensors,
  decodeWeights,
  encodeSafetensors,
  SafetensorsError,
  type StoredTensor,
  type TensorFile,
  weightsData,
} from './weights/safetensors.ts';
export type { NamedTensor } from './weights/tensor.ts';
