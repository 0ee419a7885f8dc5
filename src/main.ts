import { enableCompileCache } from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`Node 22.18 or newer is needed, this is ${process.versions.node}: start with "npm start"`);
  process.exit(1);
}

// Before anything else is read: the next start takes the compiled files.
enableCompileCache();
const { runServer } = await import('./server.ts');

try {
  await runServer(process.env);
} catch (error) {
  console.error(`cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
