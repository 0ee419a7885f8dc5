import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type ProxyMode = 'pass' | 'blackhole' | { readonly delayMs: number };

/** A wire to a server that can be made bad. */
export interface TcpProxy {
  readonly port: number;
  /** From now on; a black hole holds every byte and lets them through in their order once it passes again. */
  mode(mode: ProxyMode): void;
  /** How many pieces a black hole holds now. */
  readonly held: number;
  /** Resets every connection there is. */
  reset(): void;
  close(): Promise<void>;
}

/** Stands between processes and `port` of this machine. */
export async function startProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  let mode: ProxyMode = 'pass';

  /** Calls it now or later, in the order of the calls as long as the mode stays. */
  const pass = (act: () => void): void => {
    if (mode === 'blackhole') held.push(act);
    else if (mode === 'pass') act();
    else setTimeout(act, mode.delayMs);
  };

  const join = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => pass(() => void to.write(bytes)));
    from.on('end', () => pass(() => void to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      pass(() => to.destroySoon());
    });
    sockets.add(from);
  };

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    join(near, far);
    join(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mode: (next) => {
      mode = next;
      if (mode === 'blackhole') return;
      for (const act of held.splice(0)) act();
    },
    get held() {
      return held.length;
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
