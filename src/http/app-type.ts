import type { IncomingMessage, ServerResponse } from 'node:http';
import type {} from '@fastify/swagger'; // the documentation members of a route's schema
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { Static, TSchema } from 'typebox';

/** Requests are typed by their schemas. Replies are not: their schemas are documentation, which tests hold against the replies. */
interface RequestTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  readonly serializer: unknown;
}

/**
 * The application as routes see it: request types follow from the TypeBox schemas of a route.
 * A feature is `export async function datasetRoutes(app: App, deps: { … }): Promise<void>`.
 */
export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, RequestTypes>;

export type Request = FastifyRequest;
export type Reply = FastifyReply;

declare module 'fastify' {
  interface FastifyRequest {
    /** The project the caller's key belongs to; every row read or written for this request is of this project. */
    project: string;
  }

  interface FastifyContextConfig {
    /** The route answers without an API key. */
    public?: boolean;
    /** The body's schema only documents it: a service checks the body, together with what it refers to. */
    bodyCheckedByService?: boolean;
    /** No body is as good as an empty object. */
    bodyOptional?: boolean;
  }
}
