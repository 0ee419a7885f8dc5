// The front door of preprocessing: the trainer learns and encodes, deployments encode and decode, checks look at schemas.

export { dataSignature, defaultFeatures, encodedWidth } from './data-signature.ts';
export { decodeOutputs, decodeSeveral, type Prediction } from './decode-outputs.ts';
export { encodeFeatures, encodeTargets, targetMean, targetStd } from './encode.ts';
export { encodeInstances } from './encode-instances.ts';
export { encodeWindowInstances } from './encode-window-instances.ts';
export { type LearnedOutput, learnPreprocessing } from './learn.ts';
export { learnWindows } from './learn-windows.ts';
export { fromMetadata, labelsOf, toMetadata } from './metadata.ts';
export { featureWidth, type Preprocessing, RELATIVE, type TargetTransform, type WindowOptions } from './preprocessing.ts';
export { signature } from './signature.ts';
export { isWindowed, sharedWindows, windowCount } from './window.ts';
