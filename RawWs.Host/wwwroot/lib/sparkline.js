import { Surface } from "./canvas.js";

const LIMIT = 120;

/** The last prices of one symbol as a small line, in the colour of its trend. */
export class Sparkline {
  #prices = [];
  #up = true;
  #surface;

  constructor(canvas) {
    this.#surface = new Surface(canvas, (context, width, height, colour) =>
      this.#draw(context, width, height, colour));
  }

  add(price, up) {
    this.#up = up;
    this.#prices.push(price);
    if (this.#prices.length > LIMIT) this.#prices.shift();
    this.#surface.repaint();
  }

  #draw(context, width, height, colour) {
    const prices = this.#prices;
    if (prices.length === 0) return;
    const low = Math.min(...prices);
    const span = Math.max(...prices) - low || 1;
    const pad = 5;
    // A young line keeps its scale: the first prices fill the width only once there are some.
    const step = (width - 2 * pad) / Math.max(prices.length - 1, 30);
    const x = index => width - pad - (prices.length - 1 - index) * step;
    const y = price => height - pad - ((price - low) / span) * (height - 2 * pad);
    const line = new Path2D();
    prices.forEach((price, index) => line.lineTo(x(index), y(price)));
    const trend = colour(this.#up ? "up" : "down");
    context.strokeStyle = trend;
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.stroke(line);
    line.lineTo(x(prices.length - 1), height);
    line.lineTo(x(0), height);
    context.globalAlpha = 0.12;
    context.fillStyle = trend;
    context.fill(line);
    context.globalAlpha = 1;
    context.beginPath();
    context.arc(x(prices.length - 1), y(prices.at(-1)), 3, 0, 2 * Math.PI);
    context.fill();
  }
}
