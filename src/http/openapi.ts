import { STATUS_CODES } from 'node:http';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifySchema } from 'fastify';
import type { App } from './app-type.ts';
import { problemReply } from './schemas.ts';

const DESCRIPTION = `Training as a service: post a network and a dataset, get a trained model that answers predictions.

Every body is checked strictly and every fault is told at once. Errors are \`application/problem+json\` (RFC 9457); the
codes are listed in docs/errors.md. A POST that creates something takes an \`Idempotency-Key\`.`;

const TAGS = [
  { name: 'datasets', description: 'Tables to train on: upload, look at, delete.' },
  { name: 'models', description: 'Definitions of networks and their trained versions.' },
  { name: 'jobs', description: 'Trainings: start, watch, cancel, fetch the weights.' },
  { name: 'deployments', description: 'Trained versions that answer predictions.' },
  { name: 'catalog', description: 'What a spec may be made of.' },
  { name: 'operations', description: 'The state of this server and its workers.' },
];

/** Marks an operation on its way into the document, in which every body would be required otherwise. */
const BODY_OPTIONAL = 'x-body-optional';
const NO_CONTENT = { type: 'null', description: 'Done' };
const PROBLEM = problemReply('Refused or failed');

/** Serves the OpenAPI 3.1 document at /openapi.json and Swagger UI at /docs. To be registered before the routes it describes. */
export async function registerOpenapi(app: App, { version }: { version: string }): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Alma', version, description: DESCRIPTION },
      servers: [{ url: '/', description: 'This server' }],
      tags: TAGS,
      components: {
        securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key. A server on loopback may run without.' } },
      },
      security: [{ key: [] }, {}],
    },
    hideUntagged: true,
    transform: ({ schema, url, route }) => ({
      schema: { ...withReplies(schema, [route.method].flat()), ...(route.config?.bodyOptional && { [BODY_OPTIONAL]: true }) },
      url,
    }),
    transformObject: (document) => ('openapiObject' in document ? withComponents(document.openapiObject) : document.swaggerObject),
  });
  await app.register((scope, _options, done) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, public: true };
    });
    void scope.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { tryItOutEnabled: true, displayRequestDuration: true, deepLinking: true },
    });
    done();
  });
  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, async () => app.swagger());
}

/** The replies of a route as OpenAPI has them: a DELETE that does not say what it answers says nothing, and every route may refuse. */
function withReplies(schema: FastifySchema, methods: readonly string[]): FastifySchema {
  const declared = Object.entries<object>(Object(schema.response));
  const isSilent = methods.includes('DELETE') && !declared.some(([status]) => status.startsWith('2'));
  const replies = declared.map(([status, reply]) => [status, isWhole(reply) ? reply : jsonReply(status, reply)]);
  return { ...schema, response: { ...(isSilent && { 204: NO_CONTENT }), ...Object.fromEntries(replies), default: PROBLEM } };
}

/** Whether a reply names its content types itself, or has no content. */
function isWhole(reply: object): boolean {
  return 'content' in reply || ('type' in reply && reply.type === 'null');
}

function jsonReply(status: string, schema: object) {
  return { description: STATUS_CODES[status], content: { 'application/json': { schema } } };
}

/** Moves every schema whose title is a capitalised word to the components, once, and refers to it. */
function withComponents<Document extends { components?: { schemas?: object } }>(document: Document): Document {
  const found = new Map<string, unknown>();
  const { components, ...rest } = document;
  const hoisted = hoist(rest, found);
  const schemas = Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  return Object.assign(Object(hoisted), { components: { ...components, schemas } });
}

function hoist(node: unknown, found: Map<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((child) => hoist(child, found));
  if (node === null || typeof node !== 'object') return node;
  const copy: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(node)) copy[key] = key === 'examples' || key === 'example' ? child : hoist(child, found);
  if (BODY_OPTIONAL in copy) {
    delete copy[BODY_OPTIONAL];
    copy['requestBody'] = { ...Object(copy['requestBody']), required: false };
  }
  const { title } = copy;
  if (typeof title !== 'string' || !/^[A-Z][A-Za-z0-9]+$/.test(title) || 'version' in copy) return copy;
  const earlier = found.get(title);
  if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(copy))
    throw new Error(`two different schemas are called ${title}`);
  found.set(title, copy);
  return { $ref: `#/components/schemas/${title}` };
}
