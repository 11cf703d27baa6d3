const number = (n) => n.toLocaleString("en-US");
// Where there is no room for all digits: 5.7k, 103k, 1.2M.
const short = (n) => (n < 1000 ? number(n) : n.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: n < 10000 ? 2 : 3 }).toLowerCase().replace("m", "M"));
const steps = (n) => `${number(n)} step${n === 1 ? "" : "s"}`;
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

// Weights: two decimals, and what would print as 0.00 says that it is small, not nothing.
function weightText(w) {
  if (w === 0) return "0";
  if (w < 0) return `−${weightText(-w)}`;
  if (w < 0.005) return w < 0.0005 ? "<.001" : `.${w.toFixed(3).slice(2)}`;
  return w > 0.995 ? w.toFixed(w < 100 ? 1 : 0) : w.toFixed(2).slice(1);
}

const exact = (w) => (w !== 0 && Math.abs(w) < 0.005 ? w.toExponential(1) : w.toFixed(2));

const scaleText = (s) => (s < 0.05 ? s.toPrecision(1) : s.toFixed(1));

function ticks(start, stop, most) {
  const raw = Math.max(1, (stop - start) / Math.max(most, 1));
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * magnitude).find((s) => s >= raw);
  const found = [];
  for (let t = Math.ceil(start / step) * step; t < stop; t += step) found.push(t);
  return found;
}
