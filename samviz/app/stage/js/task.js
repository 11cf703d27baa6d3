// What the model was shown, should have answered, and answered: the steps of the page, what is wrong hatched.
const LABELS = 92, ARC = 16, AXIS = 15, CELL = 30, COLUMN = 110;

class TaskPanel extends Panel {
  constructor() { super("Task", "task"); }

  keyOf({ win, cursor, theme, page }) { return [win?.id, theme.mode, cursor.t, page].join(); }

  draw(ctx, { win, cursor, theme, page }) {
    this.g = null;
    if (!win?.has(cursor.t)) return say(ctx, theme, this, "Reading steps …");
    if (!win.a.input && !win.a.output && !win.a.target) return this.sayWhy(ctx, theme, "This trace holds no inputs, outputs or targets: there is nothing to show of the task.");
    this.note.textContent = `steps ${number(page[0])}–${number(page[1] - 1)}`;
    this.explain(win);
    const g = this.layer("strips", [win.id, theme.mode, page].join(), (layer) => this.drawStrips(layer, win, theme, page));
    for (const r of g.rows) this.drawNow(ctx, win, theme, g, r, cursor.t);
    this.drawText(ctx, win, theme, g, cursor.t);
    for (const s of sourcesOf(win, cursor.t).filter((s) => s >= g.from && s < g.to)) {
      drawFrame(ctx, g, s, theme.source, 1.5, 0);
      drawArc(ctx, g, cursor.t, s, theme.source);
    }
    drawFrame(ctx, g, cursor.t, theme.ink, 1.75, 0.5);
    this.g = g;
  }

  explain(win) {
    this.showLegend([win.a.wrong && ["wrong", `wrong ${win.counted}`], win.a.source && ["source", "source of the answer"]]);
  }

  geometry(ctx, win, theme, [from, to]) {
    const rows = taskRows(win), right = this.w - 2;
    for (const r of rows) if (r.kind === "words") r.words = wordsOn(ctx, win, theme, r, from, to);
    const widest = Math.max(0, ...rows.filter((r) => r.kind === "words").map((r) => widestLabel(ctx, theme, r.field)));
    const images = rows.some((r) => r.kind === "image"), over = images ? OVER : 0;
    const most = Math.max(CELL, Math.min(COLUMN, widest && widest + MARK + 14), images ? LARGEST : 0);
    const g = { rows, from, to, left: LABELS + over, each: Math.min(most, (right - LABELS - 2 * over) / (to - from)) };
    for (const r of rows) {
      if (r.kind === "words") setWords(ctx, theme, r, g, right);
      if (r.kind === "image") Object.assign(r, { want: 110, least: 30 });
      if (r.kind === "value") Object.assign(r, { want: 22 * r.size, least: 8 * r.size });
    }
    askHeights(rows);
    const left = rows.some((r) => r.name === "input" && r.mode === "upright" && apart(r, g.each) > 1) ? 2 * LINE + 6 : 0;
    g.bottom = layRows(rows, ARC, this.h - ARC - AXIS - left);
    return g;
  }

  drawStrips(ctx, win, theme, page) {
    const g = this.geometry(ctx, win, theme, page), draw = { words: drawWords, image: drawImages, value: drawBars };
    for (const r of g.rows) {
      this.drawLabel(ctx, theme, r);
      (draw[r.kind] ?? drawCells)(ctx, win, theme, g, r);
    }
    this.drawEpisodes(ctx, win, theme, g);
    const each = Math.max(1, Math.ceil(44 / g.each)), step = [1, 2, 5, 10, 20, 50].find((s) => s >= each) ?? 100;
    for (let t = Math.ceil(g.from / step) * step; t < g.to; t += step) {
      text(ctx, theme, number(t), g.left + (t - g.from + 0.5) * g.each, g.bottom + 9, { size: 10.5, align: "center" });
    }
    return g;
  }

  drawLabel(ctx, theme, r) {
    if (r.h < 8) return;
    const short = r.name === "input" || r.field.name === r.name ? r.field.name : r.name, input = r.name === "input";
    const full = input && r.kind !== "flag" && r.field.name !== "input" ? `input ${r.field.name}` : short;
    const cut = (string) => shorten(ctx, theme, string, LABELS - 10), label = cut(full) === full ? full : cut(short);
    const y = r.y + ((r.kind === "words" || r.kind === "image") && r.h >= 26 ? 7 : r.h / 2);
    text(ctx, theme, label, LABELS - 7, y, { size: 10.5, align: "right", color: input ? theme.muted : theme.ink });
  }

  // What changes with the cursor in a row.
  drawNow(ctx, win, theme, g, r, t) {
    if (r.kind === "image") return drawImageNow(ctx, win, theme, r, t);
    if (r.kind !== "words") return;
    drawThinned(ctx, theme, g, r, t);
    drawWordNow(ctx, win, theme, r, t);
  }

  // The input once more as running text, where there is room below.
  drawText(ctx, win, theme, g, t) {
    const row = g.rows.find((r) => r.name === "input" && r.kind === "words" && r.mode === "upright"), y = g.bottom + AXIS + 6;
    if (!row) return;
    const drawn = drawRunning(ctx, win, theme, row, t, { x: LABELS, y, w: this.w - LABELS, h: this.h - y });
    for (const at of drawn) this.spot(at.x, at.y, at.w, LINE, { t: at.word.t, row });
  }

  drawEpisodes(ctx, win, theme, g) {
    for (let t = g.from; t < g.to; t++) {
      const fresh = t === g.from || win.value("episode", t) !== win.value("episode", t - 1);
      if (!fresh) continue;
      const x = g.left + (t - g.from) * g.each;
      ctx.fillStyle = theme.muted;
      if (t > g.from) ctx.fillRect(x - 1, 2, 1, g.bottom - 2);
      text(ctx, theme, `episode ${win.value("episode", t)}`, x + 3, 7, { size: 10.5 });
    }
  }

  what({ win }, x, y) {
    const g = this.g, written = this.at(x, y);
    if (!g || !win || (!written && y > g.bottom + AXIS)) return null;
    const row = written?.row ?? g.rows.find((r) => y >= r.y && y < r.y + r.h), t = written?.t ?? stepUnder(g, row, x, y);
    if (t === null) return null;
    const sources = sourcesOf(win, t).map((s) => `the answer was shown at step ${number(s)}, ${agoText(t - s)}`);
    return { t, text: [...taskSentences(win, row, t, row && y - row.y), ...sources] };
  }
}

function sourcesOf(win, t) {
  if (!win.a.source) return [];
  return [...vector(win, "source", t)].filter((s) => s >= 0);
}
