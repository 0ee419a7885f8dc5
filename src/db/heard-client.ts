import pg from 'pg';

/**
 * A connection whose end is always heard: the failing query tells of it, and nothing else must. A pool listens only while nobody uses a
 * client, and whoever asks for one by a promise gets it a moment after: what a dying server says in between would end this process.
 */
export class HeardClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}
