/** Version of the engine's numbers: raised when the same request would train to other bits. */
export const engineVersion = '1';
