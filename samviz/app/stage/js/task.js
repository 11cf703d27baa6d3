// What the model was shown, should have answered, and answered: the steps of the page, wrong bits hatched.
const LABELS = 92, ARC = 16, AXIS = 15;

class TaskPanel extends Panel {
  constructor() {
    super("Task", "task");
    this.extra.append(legend([["wrong", "wrong bit"], ["source", "source of the answer"]]));
  }

  keyOf({ win, cursor, theme, page }) { return [win?.id, theme.mode, cursor.t, page].join(); }

  draw(ctx, { win, cursor, theme, page }) {
    if (!win?.has(cursor.t)) return say(ctx, theme, this, "Reading steps …");
    if (!win.a.input && !win.a.output && !win.a.target) return say(ctx, theme, this, "Inputs and outputs were not recorded in this trace.");
    this.note.textContent = `steps ${number(page[0])}–${number(page[1] - 1)}`;
    const g = this.geometry(win, page);
    this.layer("strips", [win.id, theme.mode, page].join(), (layer) => this.drawStrips(layer, win, theme, g));
    this.drawSources(ctx, win, theme, cursor, g);
    this.drawCursor(ctx, theme, cursor, g);
    this.g = g;
  }

  // Rows from top to bottom with heights: flags a little higher, so that their names fit.
  geometry(win, [from, to]) {
    const rows = [];
    for (const name of ["input", "target", "output"]) {
      if (!win.a[name]) continue;
      const fields = this.fields(win, name === "input" ? win.input_fields : win.output_fields, win.a[name].shape[1], name);
      fields.forEach((field, k) => rows.push({ gap: k === 0 && rows.length ? 7 : field.kind === "flag" ? 0 : 2, name, field }));
    }
    const lines = (r) => r.field.stop - r.field.start, flag = (r) => r.field.kind === "flag";
    const gaps = rows.reduce((sum, r) => sum + r.gap, 0), flags = rows.filter(flag).reduce((sum, r) => sum + lines(r), 0);
    const others = rows.filter((r) => !flag(r)).reduce((sum, r) => sum + lines(r), 0);
    const room = this.h - ARC - AXIS - gaps, even = room / (flags + others), flagH = clamp(Math.max(even, Math.min(10, room / 12)), 2, 12);
    const lineH = clamp((room - flags * flagH) / Math.max(1, others), 1, 12);
    let y = ARC;
    for (const r of rows) {
      y += r.gap;
      Object.assign(r, { y, lineH: flag(r) ? flagH : lineH });
      y += lines(r) * r.lineH;
    }
    const each = Math.min(30, (this.w - LABELS - 2) / (to - from));
    return { rows, from, to, each, bottom: y };
  }

  fields(win, known, size, name) {
    if (known.length && known.every((f, i) => f.start === (i ? known[i - 1].stop : 0)) && known.at(-1).stop === size) return known;
    return [{ name, kind: "bits", start: 0, stop: size }];
  }

  drawStrips(ctx, win, theme, g) {
    for (const r of g.rows) this.drawField(ctx, win, theme, g, r);
    this.drawEpisodes(ctx, win, theme, g);
    const each = Math.max(1, Math.ceil(44 / g.each)), step = [1, 2, 5, 10, 20, 50].find((s) => s >= each) ?? 100;
    for (let t = Math.ceil(g.from / step) * step; t < g.to; t += step) {
      text(ctx, theme, number(t), LABELS + (t - g.from + 0.5) * g.each, g.bottom + 9, { size: 10.5, align: "center" });
    }
  }

  drawField(ctx, win, theme, g, r) {
    const height = (r.field.stop - r.field.start) * r.lineH, label = r.name === "input" || r.field.name === r.name ? r.field.name : r.name;
    const inside = r.name === "input" && r.field.kind !== "flag" && r.field.name !== "input" ? `input ${r.field.name}` : label;
    if (height >= 8) text(ctx, theme, shorten(ctx, theme, inside, LABELS - 10), LABELS - 7, r.y + height / 2, { size: 10.5, align: "right", color: r.name === "input" ? theme.muted : theme.ink });
    for (let t = g.from; t < g.to; t++) {
      const x = LABELS + (t - g.from) * g.each, scored = !win.a.mask || win.value("mask", t) > 0;
      for (let k = r.field.start; k < r.field.stop; k++) this.drawBit(ctx, win, theme, r, t, k, x, g.each, scored);
    }
  }

  drawBit(ctx, win, theme, r, t, k, x, each, scored) {
    const y = r.y + (k - r.field.start) * r.lineH, w = each - (each > 5 ? 1 : 0), h = r.lineH - (r.lineH > 4 ? 0.6 : 0);
    const share = this.share(win, r.name, win.value(r.name, t, k), scored);
    const wrong = r.name === "output" && win.a.wrong && win.value("wrong", t, k);
    ctx.fillStyle = theme.wash;
    ctx.fillRect(x, y, w, h);
    if (share > 0) {
      ctx.globalAlpha = share;
      ctx.fillStyle = theme.bit;
      ctx.fillRect(x, y, w, h);
      ctx.globalAlpha = 1;
    }
    if (wrong) this.drawWrong(ctx, theme, x, y, w, h, share);
  }

  drawWrong(ctx, theme, x, y, w, h, share) {
    hatch(ctx, x, y, w, h, share > 0.5 ? theme.ground : theme.ink, share > 0.5 ? theme.bit : theme.ground);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.2;
    ctx.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  }

  // How dark a value is: outputs as probabilities; what does not count is faint, its target not shown at all.
  share(win, name, value, scored) {
    if (!Number.isFinite(value)) return 0;
    if (name === "output") return (win.output_kind === "bits" ? 1 / (1 + Math.exp(-value)) : clamp(value, 0, 1)) * (scored ? 1 : 0.16);
    if (name === "target" && !scored) return 0;
    return clamp(value, 0, 1);
  }

  drawEpisodes(ctx, win, theme, g) {
    for (let t = g.from; t < g.to; t++) {
      const fresh = t === g.from || win.value("episode", t) !== win.value("episode", t - 1);
      if (!fresh) continue;
      const x = LABELS + (t - g.from) * g.each;
      ctx.fillStyle = theme.muted;
      if (t > g.from) ctx.fillRect(x - 1, 2, 1, g.bottom - 2);
      text(ctx, theme, `episode ${win.value("episode", t)}`, x + 3, 7, { size: 10.5 });
    }
  }

  drawSources(ctx, win, theme, cursor, g) {
    for (const s of sourcesOf(win, cursor.t)) {
      if (s < g.from || s >= g.to) continue;
      const from = LABELS + (s - g.from + 0.5) * g.each, to = LABELS + (cursor.t - g.from + 0.5) * g.each;
      ctx.strokeStyle = theme.source;
      ctx.fillStyle = theme.source;
      ctx.lineWidth = 1.5;
      ctx.strokeRect(from - g.each / 2 - 0.5, ARC - 1, g.each, g.bottom - ARC + 2);
      ctx.beginPath();
      ctx.moveTo(to, ARC - 2);
      ctx.lineTo(to, ARC - 4);
      ctx.lineTo(from, ARC - 4);
      ctx.lineTo(from, ARC - 2);
      ctx.stroke();
    }
  }

  drawCursor(ctx, theme, cursor, g) {
    const x = LABELS + (cursor.t - g.from) * g.each;
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.75;
    ctx.strokeRect(x - 1, ARC - 1.5, g.each + 1, g.bottom - ARC + 3);
  }

  what({ win }, x, y) {
    const g = this.g;
    if (!g || x < LABELS || x >= LABELS + (g.to - g.from) * g.each) return null;
    const t = g.from + Math.floor((x - LABELS) / g.each), row = g.rows.find((r) => y >= r.y && y < r.y + (r.field.stop - r.field.start) * r.lineH);
    const lines = [`step ${number(t)}: ${stepVerdict(win, t)[0]}`];
    if (row) lines.push(this.bitSentence(win, row, t, row.field.start + Math.floor((y - row.y) / row.lineH)));
    for (const s of sourcesOf(win, t)) lines.push(`the answer was shown at step ${number(s)}, ${agoText(t - s)}`);
    return { t, text: lines };
  }

  bitSentence(win, row, t, k) {
    const value = win.value(row.name, t, k), name = `${row.name} ${row.field.name === row.name ? "" : `${row.field.name} `}${k - row.field.start}`;
    if (row.name !== "output" || win.output_kind !== "bits") return `${name}: ${value.toFixed(2)}`;
    const wrong = win.a.wrong && win.value("wrong", t, k) ? ", wrong" : "";
    return `${name}: ${value.toFixed(2)} before squashing, probability ${(1 / (1 + Math.exp(-value))).toFixed(2)}${wrong}`;
  }
}

function sourcesOf(win, t) {
  if (!win.a.source) return [];
  const size = win.a.source.shape[1], from = (t - win.start) * size;
  return [...win.a.source.subarray(from, from + size)].filter((s) => s >= 0);
}

function shorten(ctx, theme, string, room) {
  ctx.font = `400 10.5px ${theme.font}`;
  if (ctx.measureText(string).width <= room) return string;
  let cut = string;
  while (cut.length > 1 && ctx.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}
