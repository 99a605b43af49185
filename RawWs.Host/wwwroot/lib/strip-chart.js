import { Surface, lessMotion } from "./canvas.js";

const WINDOW_MS = 30_000;
const LIMIT = 500;
const MARGIN = { top: 14, right: 14, bottom: 24, left: 40 };

/** A chart of values from 0 to 1 that moves to the left with time, and marks those above a threshold. */
export class StripChart {
  #points = [];
  #threshold;
  #surface;
  #running = false;

  constructor(canvas, { threshold }) {
    this.#threshold = threshold;
    this.#surface = new Surface(canvas, (context, width, height, colour) =>
      this.#draw(new Plot(context, width, height, colour), performance.now()));
  }

  add(value) {
    this.#points.push({ time: performance.now(), value });
    const oldest = performance.now() - WINDOW_MS * 1.1;
    while (this.#points.length > LIMIT || this.#points[0].time < oldest) this.#points.shift();
    this.#surface.repaint();
  }

  /** Lets time move the chart, or holds it. */
  run(running) {
    this.#running = running;
    this.#surface.repaint();
  }

  #draw(plot, now) {
    plot.grid(this.#threshold);
    plot.line(this.#points, now);
    plot.marks(this.#points, now, this.#threshold);
    if (this.#running && !lessMotion.matches) this.#surface.repaint();
  }
}

/** One drawing of the chart: the scales, and what is painted with them. */
class Plot {
  constructor(context, width, height, colour) {
    Object.assign(this, { context, colour });
    this.left = MARGIN.left;
    this.right = width - MARGIN.right;
    this.top = MARGIN.top;
    this.bottom = height - MARGIN.bottom;
    context.font = "11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";
  }

  x(time, now) {
    return this.right - ((now - time) / WINDOW_MS) * (this.right - this.left);
  }

  y(value) {
    return this.bottom - value * (this.bottom - this.top);
  }

  grid(threshold) {
    const { context, colour } = this;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of [0, 0.25, 0.5, 0.75]) {
      this.rule(this.y(value), colour("line"), []);
      context.fillStyle = colour("ink-soft");
      context.fillText(value.toFixed(2), this.left - 8, this.y(value));
    }
    context.fillStyle = colour("signal-wash");
    context.fillRect(this.left, this.y(1), this.right - this.left, this.y(threshold) - this.y(1));
    this.rule(this.y(threshold), colour("signal"), [5, 4]);
    context.fillStyle = colour("signal");
    context.fillText(threshold.toFixed(2), this.left - 8, this.y(threshold));
    this.seconds();
  }

  seconds() {
    const { context } = this;
    context.textBaseline = "alphabetic";
    context.fillStyle = this.colour("ink-soft");
    for (const ago of [30, 20, 10, 0]) {
      context.textAlign = ago === 0 ? "right" : ago === 30 ? "left" : "center";
      context.fillText(ago === 0 ? "now" : `−${ago} s`, this.x(0, ago * 1000), this.bottom + 18);
    }
  }

  rule(y, style, dash) {
    const { context } = this;
    context.save();
    context.strokeStyle = style;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(this.left, y);
    context.lineTo(this.right, y);
    context.stroke();
    context.restore();
  }

  line(points, now) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(this.left, 0, this.right - this.left + MARGIN.right, this.bottom);
    context.clip();
    context.beginPath();
    for (const { time, value } of points) context.lineTo(this.x(time, now), this.y(value));
    context.strokeStyle = this.colour("wire");
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.stroke();
    context.restore();
  }

  marks(points, now, threshold) {
    const { context } = this;
    for (const { time, value } of points) {
      const x = this.x(time, now);
      if (x < this.left) continue;
      const above = value > threshold;
      context.beginPath();
      context.arc(x, this.y(value), above ? 5 : 2, 0, 2 * Math.PI);
      context.fillStyle = this.colour(above ? "signal" : "wire");
      context.fill();
      if (!above) continue;
      context.beginPath();
      context.arc(x, this.y(value), 9, 0, 2 * Math.PI);
      context.strokeStyle = this.colour("signal");
      context.stroke();
    }
  }
}
