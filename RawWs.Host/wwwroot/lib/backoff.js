const FIRST_MS = 500;
const CAP_MS = 15_000;

/**
 * The waits between attempts to connect: they double from half a second up to fifteen seconds, each shortened
 * at random by up to a half, so that the clients of a server that comes back do not all arrive at once.
 */
export class Backoff {
  #attempts = 0;

  /** The next wait in milliseconds. */
  next() {
    const wait = Math.min(CAP_MS, FIRST_MS * 2 ** this.#attempts++);
    return Math.round(wait * (1 - Math.random() / 2));
  }

  /** Starts over from the first wait. */
  reset() {
    this.#attempts = 0;
  }
}
