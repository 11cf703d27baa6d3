// What the channels of a field hold at a step: the word that is set, the class that was chosen, how dark a cell is.
const MOST_FIELDS = 24;

function vector(win, name, t) {
  const array = win.a[name], size = array.shape[1], from = (t - win.start) * size;
  return array.subarray(from, from + size);
}

const scoredAt = (win, t) => !win.a.mask || win.value("mask", t) > 0;
const wrongAt = (win, t, start, stop) => Boolean(win.a.wrong) && vector(win, "wrong", t).subarray(start, stop).some((w) => w > 0);
const sigmoid = (v) => 1 / (1 + Math.exp(-v));

// The fields if they cover the vector from end to end, else one for all of it.
function tiled(known, size, name) {
  const whole = known.length && known.length <= MOST_FIELDS && known.every((f, i) => f.start === (i ? known[i - 1].stop : 0));
  return whole && known.at(-1).stop === size ? known : [{ name, kind: "bits", start: 0, stop: size }];
}

const fieldsOf = (win, name) => tiled(name === "input" ? win.input_fields : win.output_fields, win.a[name].shape[1], name);

// The first place of the largest value; -1 where one is no number.
function largest(values) {
  let best = 0;
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) return -1;
    if (values[k] > values[best]) best = k;
  }
  return values.length ? best : -1;
}

// The probability of each class, from outputs of any size: nothing overflows.
function softmax(values) {
  let top = -Infinity, sum = 0;
  for (const v of values) top = Math.max(top, v);
  if (!Number.isFinite(top)) {
    const equal = values.filter((v) => v === top).length;
    return (k) => (Number.isNaN(top) ? NaN : values[k] === top ? 1 / equal : 0);
  }
  for (const v of values) sum += Math.exp(v - top);
  return (k) => Math.exp(values[k] - top) / sum;
}

// How dark channel k is: outputs as probabilities; what does not count is faint, its target not shown at all.
function shadesAt(win, name, t) {
  const values = vector(win, name, t), scored = scoredAt(win, t);
  if (name === "target" && !scored) return () => 0;
  const bits = win.output_kind === "bits", classes = name === "output" && !bits ? softmax(values) : null;
  const share = name !== "output" ? (k) => clamp(values[k], 0, 1) : bits ? (k) => sigmoid(values[k]) : classes;
  const strength = name === "output" && !scored ? 0.16 : 1;
  return (k) => (Number.isFinite(values[k]) ? strength * share(k) : 0);
}

// The word of a "words" field at a step, null without one: { k, wrong, scored }; k is -1 for an output that is no number.
function wordAt(win, { name, field }, t) {
  const values = vector(win, name, t), scored = scoredAt(win, t), classes = win.output_kind === "classes";
  if (name === "target" && !scored) return null;
  const whole = name !== "input" && classes, from = whole ? 0 : field.start;
  const best = largest(whole ? values : values.subarray(field.start, field.stop)), k = best < 0 ? -1 : from + best;
  if (k >= 0 && (k < field.start || k >= field.stop)) return null;
  if (name !== "output") return k >= 0 && (whole || values[k] > 0.5) ? { k, scored } : null;
  return { k, scored, wrong: wrongAt(win, t, field.start, field.stop) };
}

// The probability that the model gives channel k of its output.
function probability(win, t, k) {
  const values = vector(win, "output", t);
  return win.output_kind === "classes" ? softmax(values)(k) : sigmoid(values[k]);
}

// A label as it is drawn, and as it stands in a sentence.
const labelOf = (field, k) => (k < 0 ? "no number" : field.labels?.[k - field.start] || String(k - field.start));
function quoted(field, k) {
  if (k < 0) return labelOf(field, k);
  return field.labels?.[k - field.start] ? `"${labelOf(field, k)}"` : `class ${labelOf(field, k)}`;
}
const chance = (win, t, k) => (k < 0 ? "" : ` (${probability(win, t, k).toFixed(2)})`);
