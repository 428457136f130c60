// One quantity over time: band from least to greatest, line of means, mean lines, gaps, axes.

import { inAxisUnit, utc } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 230;
const MARGIN = { left: 62, right: 26, top: 18, bottom: 38 };
const FEW = 90;
const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  86400, 172800, 432000, 864000, 2592000, 8640000,
];

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function niceStep(span, most) {
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= raw * 0.999);
}

function ticksOf(low, high, step) {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

function valueRange(column, levels, number, scale) {
  const all = [...column.low, ...column.high, ...levels.map(level => level.quantities[number].mean)];
  const low = Math.min(...all) * scale;
  const high = Math.max(...all) * scale;
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  return [low - pad, high + pad];
}

function timeRange(view) {
  const { t_s: times, width_s: width } = view.series;
  const shaded = view.gaps.shaded;
  let from = times[0], until = times[times.length - 1];
  if (shaded.length) {
    from = Math.min(from, shaded[0].from_s);
    until = Math.max(until, shaded[shaded.length - 1].until_s);
  }
  return until > from ? [from, until] : [from - width, until + width];
}

function timeLabel(seconds, step) {
  const text = utc(seconds);
  const isMidnight = seconds % 86400 === 0;
  if (step >= 86400 || (isMidnight && step >= 3600)) return text.slice(5, 10);
  if (step >= 60) return text.slice(11, 16);
  return text.slice(11);
}

// Where a line of means must not go through: a new setting, or a gap as wide as a bucket.
function breaksOf(view) {
  const width = view.series.width_s;
  const wide = view.gaps.shaded.filter(gap => gap.until_s - gap.from_s >= width);
  return [...view.levels.map(level => level.from_s), ...wide.map(gap => (gap.from_s + gap.until_s) / 2)].sort(
    (one, other) => one - other,
  );
}

function segmentsOf(view) {
  const { t_s: times, width_s: width } = view.series;
  const breaks = breaksOf(view);
  const segments = [];
  let current = [], next = 0;
  times.forEach((time, index) => {
    let isCut = index > 0 && time - times[index - 1] > 2.5 * Math.max(width, view.facts.period_s);
    while (next < breaks.length && breaks[next] <= time) {
      isCut = true;
      next += 1;
    }
    if (isCut && current.length) {
      segments.push(current);
      current = [];
    }
    current.push(index);
  });
  if (current.length) segments.push(current);
  return segments;
}

const path = points => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

function drawAxes(svg, quantity, box, times, values, isVirtual) {
  const step = niceStep(values[1] - values[0], 6);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (const value of ticksOf(values[0], values[1], step)) {
    const y = box.y(value);
    add(svg, "line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y });
    const label = value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    add(svg, "text", { class: "y", x: box.left - 6, y }, label);
  }
  const most = Math.max(2, Math.floor((box.right - box.left) / 88));
  const timeStep = TIME_STEPS.find(size => (times[1] - times[0]) / size <= most) ?? TIME_STEPS.at(-1);
  for (const time of ticksOf(times[0], times[1], timeStep)) {
    const x = box.x(time);
    add(svg, "line", { class: "grid", x1: x, x2: x, y1: box.top, y2: box.bottom });
    add(svg, "text", { class: "x", x, y: box.bottom + 15 }, timeLabel(time, timeStep));
  }
  const days = [...new Set(times.map(time => utc(time).slice(0, 10)))].join(" to ");
  const middle = (box.left + box.right) / 2;
  add(svg, "text", { class: "x", x: middle, y: HEIGHT - 4 }, `${isVirtual ? "virtual time" : "time"} (UTC), ${days}`);
  add(svg, "text", { x: 2, y: 11 }, quantity.axis);
  add(svg, "rect", {
    class: "frame", x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top,
  });
}

function drawGaps(svg, view, box) {
  for (const gap of view.gaps.shaded) {
    const x = box.x(gap.from_s);
    const width = Math.max(2, box.x(gap.until_s) - x);
    add(svg, "rect", { class: "gap", x, y: box.top, width, height: box.bottom - box.top });
  }
}

function drawRecords(svg, view, column, box, scale) {
  const times = view.series.t_s;
  const place = (row, index) => [box.x(times[index]), box.y(row[index] * scale)];
  for (const segment of segmentsOf(view)) {
    const above = segment.map(index => place(column.high, index));
    const below = segment.map(index => place(column.low, index)).reverse();
    add(svg, "path", { class: "band", d: `${path([...above, ...below])}Z` });
    add(svg, "path", { class: "line", d: path(segment.map(index => place(column.mean, index))) });
  }
  if (times.length > FEW) return;
  times.forEach((_, index) => {
    const [cx, cy] = place(column.mean, index);
    add(svg, "circle", { class: "dot", cx: cx.toFixed(1), cy: cy.toFixed(1), r: 2.2 });
  });
}

function drawLevels(svg, view, number, box, scale) {
  let free = box.left;
  for (const level of view.levels) {
    const y = box.y(level.quantities[number].mean * scale);
    const [x1, x2] = [box.x(level.from_s), Math.max(box.x(level.until_s), box.x(level.from_s) + 3)];
    add(svg, "line", { class: "level", x1, x2, y1: y, y2: y });
    const middle = (x1 + x2) / 2;
    if (level.label && middle - 18 >= free) {
      add(svg, "text", { class: "setting", x: middle, y: box.top - 4 }, level.label);
      free = middle + 22;
    }
  }
}

function summaryOf(view, quantity, number) {
  const level = view.levels[view.levels.length - 1];
  if (!view.newest || !level) return "no record yet";
  const { mean, sd, low, high } = level.quantities[number];
  const shown = value => inAxisUnit(quantity, value);
  const where = level.label ? ` at ${level.label}` : "";
  return `newest ${shown(view.newest.values[number])}; mean${where} ${shown(mean)} (sd ${shown(sd)}),`
    + ` ${shown(low)} to ${shown(high)}`;
}

export function drawPanel(figure, quantity, number, view) {
  const width = Math.max(240, figure.clientWidth);
  const svg = document.createElementNS(SVG, "svg");
  const summary = summaryOf(view, quantity, number);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${quantity.axis} over time: ${summary}`);
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  if (view.series.t_s.length) {
    const times = timeRange(view);
    const column = view.series.columns[number];
    const values = valueRange(column, view.levels, number, quantity.scale);
    const box = {
      left, right, top, bottom,
      x: time => left + (right - left) * (time - times[0]) / (times[1] - times[0]),
      y: value => bottom - (bottom - top) * (value - values[0]) / (values[1] - values[0]),
    };
    drawGaps(svg, view, box);
    drawAxes(svg, quantity, box, times, values, view.facts.clock === "virtual");
    drawRecords(svg, view, column, box, quantity.scale);
    drawLevels(svg, view, number, box, quantity.scale);
  } else {
    add(svg, "rect", { class: "frame", x: left, y: top, width: right - left, height: bottom - top });
    add(svg, "text", { class: "x", x: (left + right) / 2, y: (top + bottom) / 2 }, "no record yet");
    add(svg, "text", { x: 2, y: 11 }, quantity.axis);
  }
  figure.querySelector("svg")?.remove();
  figure.append(svg);
  figure.querySelector(".summary").textContent = summary;
}
