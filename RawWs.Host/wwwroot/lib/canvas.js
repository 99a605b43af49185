/**
 * A canvas that is sharp on any screen: calls `draw(context, width, height, colour)`, in CSS pixels, whenever
 * `repaint()` was called, the size changed, or the colour scheme did. `colour("name")` is the style sheet's
 * `--name`.
 */
export class Surface {
  #canvas;
  #draw;
  #frame = null;
  #colours = new Map();

  constructor(canvas, draw) {
    this.#canvas = canvas;
    this.#draw = draw;
    new ResizeObserver(() => this.repaint()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours.clear();
      this.repaint();
    });
    this.repaint();
  }

  /** Asks for one drawing in the next frame, however often it is called before. */
  repaint() {
    this.#frame ??= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#frame = null;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = globalThis.devicePixelRatio || 1;
    const pixels = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== pixels[0] || this.#canvas.height !== pixels[1])
      [this.#canvas.width, this.#canvas.height] = pixels;
    const context = this.#canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#draw(context, width, height, name => this.#colour(name));
  }

  #colour(name) {
    if (!this.#colours.has(name))
      this.#colours.set(name, getComputedStyle(this.#canvas).getPropertyValue(`--${name}`).trim());
    return this.#colours.get(name);
  }
}

/** Whether the reader asked for less motion. */
export const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
