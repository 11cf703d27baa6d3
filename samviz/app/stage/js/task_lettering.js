// The words of a row of the task strip, drawn as task_words.js has set them.
function drawWords(ctx, win, theme, g, r) {
  const w = g.each - (g.each > 5 ? 1 : 0);
  ctx.fillStyle = theme.wash;
  for (let t = g.from; t < g.to; t++) ctx.fillRect(g.left + (t - g.from) * g.each, r.y, w, r.h - 1);
  if (r.mode === "beside") return r.words.forEach((word, i) => drawBeside(ctx, theme, g, r, word, r.places[i]));
  for (const word of r.words) drawMark(ctx, theme, r, word, columnMiddle(g, word.t), r.y + r.h - 8, g.each);
  if (apart(r, g.each) === 1) for (const word of r.words) drawWord(ctx, theme, g, r, word);
}

const drawWord = (ctx, theme, g, r, word) => (r.mode === "inside" ? drawInside : drawUpright)(ctx, theme, g, r, word);

// Right and wrong answers as everywhere: a ring, or black hatch in a frame.
function drawMark(ctx, theme, r, { wrong, scored }, x, y, each) {
  if (r.name !== "output" || !scored) return;
  const size = clamp(each - 2, 4, MARK);
  if (wrong) return drawWrong(ctx, theme, x - size / 2 - 0.5, y - MARK / 2, size, MARK, 0);
  ctx.strokeStyle = theme.muted;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.arc(x - 0.5, y, Math.min(3.2, size / 2), 0, 2 * Math.PI);
  ctx.stroke();
}

function drawInside(ctx, theme, g, r, word) {
  const box = wordBox(g, r, word.t), options = { size: WORD, align: "center", color: theme.ink, weight: word.wrong ? 600 : 400 };
  text(ctx, theme, word.label, columnMiddle(g, word.t), box.y + box.h / 2, options);
}

function drawBeside(ctx, theme, g, r, word, place) {
  const x = g.left + (word.t - g.from) * g.each, y = r.y + r.h / 2 - 0.5, w = Math.min(g.each - 1, MARK);
  ctx.fillStyle = theme.wash;
  ctx.fillRect(place - 2, r.y, word.width + 4, r.h - 1);
  ctx.fillStyle = theme.bit;
  if (r.name === "output") drawMark(ctx, theme, r, word, x + w / 2, y, w + 2);
  else ctx.fillRect(x + w / 2 - 1.5, y - 6, 3, 12);
  text(ctx, theme, word.label, place, y, { size: WORD, color: theme.ink, weight: word.wrong ? 600 : 400 });
}

// From the foot of the row upwards; a single letter or stop stays as it is.
function drawUpright(ctx, theme, g, r, word) {
  const foot = r.name === "output" ? MARK + 7 : 4, weight = word.wrong ? 600 : 400, options = { size: WORD, color: theme.ink, weight };
  const x = columnMiddle(g, word.t), y = r.y + r.h - foot;
  if (word.label.length === 1) return text(ctx, theme, word.label, x, y - 4, { ...options, align: "center" });
  ctx.save();
  ctx.translate(x, y);
  ctx.rotate(-Math.PI / 2);
  text(ctx, theme, shorten(ctx, theme, word.label, r.h - foot - 4, weight), 0, 1.5, options);
  ctx.restore();
}

function drawThinned(ctx, theme, g, r, t) {
  const far = apart(r, g.each);
  if (r.mode === "beside" || far === 1) return;
  const kept = new Set(thinned(r.words, t, far)), foot = r.name === "output" ? MARK + 8 : 4;
  ctx.fillStyle = theme.faint;
  for (const word of r.words) if (!kept.has(word)) ctx.fillRect(columnMiddle(g, word.t) - 0.5, r.y + r.h - foot - 4, 1, 4);
  for (const word of kept) drawWord(ctx, theme, g, r, word);
}

// The whole word at the cursor, under the row's name; broken into lines where it is long.
function drawWordNow(ctx, win, theme, r, t) {
  const word = wordAt(win, r, t);
  if (!word || r.h < 26) return;
  const counts = word.scored || r.name === "input", weight = counts ? 600 : 400;
  const options = { size: 11.5, align: "right", color: counts ? theme.ink : theme.muted, weight };
  ctx.font = fontOf(theme, 11.5, weight);
  const room = LABELS - 12, lines = broken(ctx, labelOf(r.field, word.k), room);
  const p = r.name === "output" && word.k >= 0 ? probability(win, t, word.k).toFixed(2) : "";
  if (p && ctx.measureText(`${lines.at(-1)} ${p}`).width <= room) lines.push(`${lines.pop()} ${p}`);
  else if (p) lines.push(p);
  const fit = Math.floor((r.h - 14) / 13);
  lines.slice(0, Math.max(1, fit)).forEach((line, i) => text(ctx, theme, line, LABELS - 7, r.y + 20 + i * 13, options));
}

// A string in lines that fit the room.
function broken(ctx, string, room) {
  const lines = [""];
  for (const letter of string) {
    if (ctx.measureText(lines.at(-1) + letter).width > room) lines.push("");
    lines[lines.length - 1] += letter;
  }
  return lines;
}

function shorten(ctx, theme, string, room, weight = 400) {
  ctx.font = fontOf(theme, WORD, weight);
  if (ctx.measureText(string).width <= room) return string;
  let cut = [...string];
  while (cut.length > 1 && ctx.measureText(`${cut.join("")}…`).width > room) cut = cut.slice(0, -1);
  return `${cut.join("")}…`;
}
