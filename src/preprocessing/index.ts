// The front door of preprocessing: the trainer learns and encodes, deployments encode and decode, checks look at schemas.

export { dataSignature, defaultFeatures } from './data-signature.ts';
export { decodeOutputs, type Prediction } from './decode-outputs.ts';
export { encodeFeatures, encodeTargets, targetMean, targetStd } from './encode.ts';
export { encodeInstances } from './encode-instances.ts';
export { learnPreprocessing } from './learn.ts';
export { fromMetadata, labelsOf, toMetadata } from './metadata.ts';
export { featureWidth, type Preprocessing } from './preprocessing.ts';
export { signature } from './signature.ts';
