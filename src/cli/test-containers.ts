// `npm run test:containers`: the tests that use PostgreSQL or Redis, on containers of both. Needs a container engine.
import { runVitest } from './run-vitest.ts';

runVitest(['--config', 'vitest.containers.config.ts']);
