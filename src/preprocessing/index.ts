// The front door of preprocessing: the trainer learns and encodes, deployments encode and decode, checks look at schemas.

export { type DataRequest, dataSignature, defaultFeatures, encodedWidth, targetSignature } from './data-signature.ts';
export { type DecodeRequest, decodeOutputs, type Prediction } from './decode-outputs.ts';
export { encodeFeatures, encodeTargets, targetStd } from './encode.ts';
export { encodeInstances } from './encode-instances.ts';
export { type LearnRequest, learnPreprocessing } from './learn.ts';
export { fromMetadata, labelsOf, PreprocessingMetadata, toMetadata } from './metadata.ts';
export { type FeatureTransform, featureWidth, type Label, type Preprocessing, type TargetTransform } from './preprocessing.ts';
export { type Signature, signature } from './signature.ts';
