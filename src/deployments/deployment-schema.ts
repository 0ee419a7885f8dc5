import Type from 'typebox';
import { Name, nameParams, StrictObject, Timestamp } from '../http/schemas.ts';

const DEPLOYMENT_NAME = 'The name you give the deployment.';

export const deploymentParams = nameParams(DEPLOYMENT_NAME);

export const putBody = StrictObject(
  {
    model: Name('Name of the model.'),
    version: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Number of the version; the newest if left out.' }),
    ),
  },
  { title: 'PutDeployment', examples: [{ model: 'iris-mlp', version: 1 }] },
);

export const predictBody = StrictObject(
  {
    instances: Type.Array(Type.Unknown({ description: 'An object by column name, or an array in the order of the features.' }), {
      minItems: 1,
      description: 'The rows to predict.',
    }),
    return: Type.Optional(
      Type.Array(Type.Literal('probabilities'), { maxItems: 1, description: 'What to answer beside the label; all of it if left out.' }),
    ),
  },
  {
    title: 'Predict',
    examples: [{ instances: [{ sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 }] }],
  },
);

export const DeploymentReply = Type.Object(
  {
    object: Type.Literal('deployment'),
    name: Type.String(),
    model: Type.String(),
    version: Type.Integer(),
    status: Type.Literal('ready'),
    created_at: Timestamp,
    updated_at: Timestamp,
    links: Type.Object({ self: Type.String(), predict: Type.String(), model: Type.String(), version: Type.String() }),
  },
  { title: 'Deployment' },
);

export const PredictReply = Type.Object(
  {
    model: Type.String(),
    version: Type.Integer(),
    predictions: Type.Array(Type.Unknown(), {
      description:
        'Per instance: `label` and `probabilities` for classes, `value` or `values` for numbers; of a network with several outputs `outputs`, an object of these by the names of the outputs.',
    }),
    request_id: Type.String(),
  },
  { title: 'Predictions' },
);
