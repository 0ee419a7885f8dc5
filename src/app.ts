import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger } from 'fastify';
import type { Logger } from 'pino';
import { invariantRoutes } from './admin/invariant-routes.ts';
import { quotaRoutes } from './admin/quota-routes.ts';
import { catalogRoutes } from './catalog/catalog-routes.ts';
import type { Config, Limits } from './config.ts';
import { datasetRoutes } from './datasets/dataset-routes.ts';
import { deploymentRoutes } from './deployments/deployment-routes.ts';
import { workerRoutes } from './fleet/fleet-routes.ts';
import type { App } from './http/app-type.ts';
import { registerAuth } from './http/auth.ts';
import { answerClientError, refuseMissingHost } from './http/client-errors.ts';
import { handleError, registerNotFound } from './http/error-handler.ts';
import { registerExpectContinue } from './http/expect-continue.ts';
import { healthRoutes, type Readiness } from './http/health-routes.ts';
import { registerJsonBody } from './http/json-body.ts';
import { registerOpenapi } from './http/openapi.ts';
import { RequestLog, registerRequestLog, requestId, requestLogSerializers } from './http/request-log.ts';
import { registerRequestSignals } from './http/request-signal.ts';
import { registerShutdown } from './http/shutdown.ts';
import { registerValidation } from './http/validation.ts';
import { checkpointRoutes } from './jobs/checkpoint-routes.ts';
import { jobRoutes } from './jobs/job-routes.ts';
import { logRoutes } from './jobs/log-routes.ts';
import { modelRoutes } from './models/model-routes.ts';
import type { Services } from './services.ts';
import { VERSION } from './version.ts';

export interface AppDeps {
  readonly config: Pick<Config, 'http' | 'limits'>;
  readonly logger: Logger;
  readonly services: Services;
  readonly readiness: Readiness;
}

/** The whole HTTP application. Does not listen. */
export async function buildApp({ config, logger, services, readiness }: AppDeps): Promise<App> {
  const requestLogger: FastifyBaseLogger = logger.child({}, { serializers: requestLogSerializers });
  const app: App = Fastify({
    loggerInstance: requestLogger,
    bodyLimit: config.limits.bodyBytesMax,
    // A client that sends slowly holds a connection no longer than this; how long an answer takes is not limited here.
    http: {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
      requireHostHeader: false, // refuseMissingHost does, with a body that says so
    },
    requestTimeout: 30_000,
    keepAliveTimeout: 20_000,
    return503OnClosing: false, // registerShutdown answers 503 in our own form
    routerOptions: { maxParamLength: 100 },
    logController: new RequestLog(),
    genReqId: requestId,
    frameworkErrors: handleError,
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setErrorHandler(handleError);
  registerNotFound(app);
  registerShutdown(app);
  registerRequestLog(app);
  refuseMissingHost(app);
  registerAuth(app, { required: config.http.auth, apiKeys: services.apiKeys });
  registerJsonBody(app);
  registerValidation(app);
  registerRequestSignals(app);
  registerExpectContinue(app);
  await registerOpenapi(app, { version: VERSION });

  await registerFeatures(app, services, config.limits);
  await healthRoutes(app, { readiness, version: VERSION });
  return app;
}

/** The API, feature by feature. */
async function registerFeatures(app: App, services: Services, limits: Limits): Promise<void> {
  const { idempotency, datasets, models, trainingChecks, jobs, checkpoints, deployments, fleet, invariants } = services;
  await datasetRoutes(app, { datasets, idempotency, limits });
  await modelRoutes(app, { models, trainingChecks, idempotency });
  await jobRoutes(app, { jobs, idempotency });
  await checkpointRoutes(app, { checkpoints });
  await logRoutes(app, { jobs });
  await deploymentRoutes(app, { deployments });
  await catalogRoutes(app);
  await workerRoutes(app, { fleet });
  await invariantRoutes(app, { invariants });
  await quotaRoutes(app, { checkpoints });
}
