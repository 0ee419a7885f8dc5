import { createServer } from 'node:net';

/** A port of the loopback interface that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return bindPort('127.0.0.1', 0);
}

/** The wanted port if nobody listens there, else a free one. */
export async function choosePort(host: string, wanted: number): Promise<{ port: number; busy: boolean }> {
  try {
    return { port: await bindPort(host, wanted), busy: false };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    return { port: await bindPort(host, 0), busy: true };
  }
}

function bindPort(host: string, wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(wanted, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : wanted;
      server.close(() => resolve(port));
    });
  });
}
