// The words of the page as running text: the cursor's underlined, the source of its answer framed.
const LINE = 16;

// Places of words in lines of the given width: [{ word, x, line }].
function flow(words, width, space) {
  let x = 0, line = 0;
  return words.map((word) => {
    if (x > 0 && x + word.width > width) [x, line] = [0, line + 1];
    const place = { word, x, line };
    x += word.width + space;
    return place;
  });
}

// As many lines as the box holds, those around the cursor; returns what is where.
function drawRunning(ctx, win, theme, row, t, box) {
  const size = 12, shown = Math.floor(box.h / LINE);
  if (shown < 1) return [];
  ctx.font = fontOf(theme, size);
  const words = row.words.map((word) => ({ ...word, width: ctx.measureText(word.label).width }));
  const places = flow(words, box.w, ctx.measureText(" ").width + 3), lines = (places.at(-1)?.line ?? -1) + 1;
  const here = places.find(({ word }) => word.t >= t)?.line ?? lines - 1, first = clamp(here - Math.floor(shown / 2), 0, Math.max(0, lines - shown));
  const sources = new Set(sourcesOf(win, t)), drawn = places.filter(({ line }) => line >= first && line < first + shown);
  text(ctx, theme, "as text", LABELS - 7, box.y + LINE / 2, { size: 10.5, align: "right" });
  return drawn.map(({ word, x, line }) => {
    const left = box.x + x, y = box.y + (line - first) * LINE, now = word.t === t;
    text(ctx, theme, word.label, left, y + LINE / 2, { size, color: now ? theme.ink : theme.muted, weight: now ? 600 : 400 });
    if (now) ctx.fillRect(left, y + LINE - 2, word.width, 1.5);
    if (sources.has(word.t)) {
      ctx.strokeStyle = theme.source;
      ctx.lineWidth = 1.5;
      ctx.strokeRect(left - 2, y + 0.5, word.width + 4, LINE - 1);
    }
    return { x: left, y, w: word.width, word };
  });
}
