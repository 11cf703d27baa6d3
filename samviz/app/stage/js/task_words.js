// Words of the task strip: inside their columns where they fit, beside a mark where there are few, else upright.
const WORD = 10.5, PITCH = 10.8, MARK = 10, SHORT = 13;

const fontOf = (theme, size = WORD, weight = 400) => `${weight} ${size}px ${theme.font}`;

// The words of a row on a page, with the widths of their texts.
function wordsOn(ctx, win, theme, row, from, to) {
  ctx.font = fontOf(theme);
  const words = [];
  for (let t = from; t < to; t++) {
    const word = wordAt(win, row, t);
    if (!word || (row.name === "output" && !word.scored)) continue;
    const label = labelOf(row.field, word.k);
    words.push({ ...word, t, label, width: ctx.measureText(label).width });
  }
  return words;
}

// The width of the widest label of a field: that of its longest strings.
function widestLabel(ctx, theme, { labels, start, stop }) {
  ctx.font = fontOf(theme);
  const longest = labels ? [...labels].sort((a, b) => b.length - a.length).slice(0, 12) : [String(stop - start - 1)];
  return Math.max(...longest.map((label) => ctx.measureText(label).width));
}

// Where texts go beside their marks: [x, ...] right of the column, left of it at the right end, within it where it is
// wide; null where they would touch.
function beside(words, g, right) {
  let end = -Infinity;
  const places = [];
  for (const { t, width } of words) {
    const x = g.left + (t - g.from) * g.each, within = MARK + 9 + width <= g.each, start = x + (within ? MARK + 4 : g.each + 5);
    const after = start + width <= right, place = after ? start : x - 6 - width;
    if (Math.min(x, place) < end + 4 || place < g.left) return null;
    end = Math.max(x + g.each, place + width);
    places.push(place);
  }
  return places;
}

// How a row of words is set. Short labels stand in lanes one below the other where columns are narrower still.
function setWords(ctx, theme, row, g, right) {
  row.longest = widestLabel(ctx, theme, row.field);
  row.places = beside(row.words, g, right);
  row.mode = row.longest <= Math.max(g.each - 2, SHORT) ? "inside" : row.places ? "beside" : "upright";
  row.lanes = row.mode === "inside" ? Math.min(3, Math.ceil((row.longest + 2) / g.each)) : 1;
}

// Targets and outputs are set alike, so that they can be compared.
function askHeights(rows) {
  const words = rows.filter((r) => r.kind === "words"), answers = words.filter((r) => r.name !== "input");
  if (answers.some((r) => r.mode === "upright")) for (const r of answers) Object.assign(r, { mode: "upright", lanes: 1 });
  for (const r of words) {
    const mark = r.name === "output" ? MARK + 4 : 0;
    const here = Math.max(0, ...r.words.map((word) => word.width));
    if (r.mode === "upright") Object.assign(r, { want: clamp(r.longest + 10, 40, 92) + mark, least: clamp(here + 10, 34, 92) + mark });
    else if (r.mode === "beside") Object.assign(r, { want: 30, least: 15 });
    else Object.assign(r, { want: Math.max(26, 12 * r.lanes + mark + 6), least: 11 * r.lanes + mark + 2 });
  }
}

// Columns from one written word to the next, so that they do not touch.
const apart = (r, each) => Math.ceil((r.mode === "inside" ? (r.longest + 2) / r.lanes : PITCH) / each);

const columnMiddle = (g, t) => g.left + (t - g.from + 0.5) * g.each - 0.5;

// The place of step t's word in a row of lanes.
function wordBox(g, r, t) {
  const foot = r.name === "output" ? MARK + 4 : 1, h = (r.h - foot - 2) / r.lanes, w = Math.max(g.each, r.longest + 5);
  return { x: columnMiddle(g, t) - w / 2, y: r.y + 1 + ((t - g.from) % r.lanes) * h, w, h };
}

// Where columns are too narrow, every so many-th word is written, and the cursor's instead of those next to it.
function thinned(words, t, far) {
  const kept = [], here = words.some((word) => word.t === t);
  for (const word of words) {
    const free = !kept.length || word.t - kept.at(-1).t >= far;
    if (word.t === t || (free && !(here && Math.abs(word.t - t) < far))) kept.push(word);
  }
  return kept;
}
