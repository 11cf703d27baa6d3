// Write gate, interpolation gate and read strength: a column each, a lane for a head, lines over the page.
const GATES = [
  ["alpha", "α write gate"],
  ["gamma", "γ interpolation"],
  ["beta", "β strength"],
];

class GatesPanel extends Panel {
  constructor() { super("Gates and strength", "gates"); }

  keyOf({ win, cursor, theme, page }) { return [win?.id, theme.mode, cursor.t, cursor.head, page].join(); }

  draw(ctx, { win, cursor, theme, page }) {
    if (!win?.has(cursor.t)) return say(ctx, theme, this, "Reading steps …");
    const present = GATES.filter(([name]) => win.a[name]);
    if (!present.length) return this.sayWhy(ctx, theme, "This trace holds no gates and no read strength: the model has none, or they were not recorded.");
    this.note.textContent = `steps ${number(page[0])}–${number(page[1] - 1)}`;
    const fits = Math.max(1, Math.floor((this.h - 16) / 15)), shown = Math.min(win.heads, fits);
    const first = shown >= win.heads ? 0 : clamp((cursor.head ?? 0) - Math.floor(shown / 2), 0, win.heads - shown);
    const g = { left: 16, gap: 14, value: 36, laneH: (this.h - 16) / shown, first, shown, page };
    g.width = (this.w - g.left - g.gap * (present.length - 1)) / present.length;
    this.layer("lines", [win.id, theme.mode, page, first, cursor.head].join(), (layer) => this.drawLines(layer, win, cursor, theme, present, g));
    present.forEach(([name], k) => this.drawNow(ctx, win, cursor, theme, name, g.left + k * (g.width + g.gap), g));
  }

  high(win, name) { return name === "beta" ? win.beta_max : 1; }

  drawLines(ctx, win, cursor, theme, present, g) {
    for (let h = 0; h < g.shown; h++) text(ctx, theme, g.first + h, 2, 16 + (h + 0.5) * g.laneH, { size: 11, weight: 600, color: theme.ink });
    present.forEach(([name, label], k) => {
      const x = g.left + k * (g.width + g.gap);
      const top = this.high(win, name);
      text(ctx, theme, `${label}  0–${name === "beta" ? top.toFixed(top < 10 ? 1 : 0) : 1}`, x, 6, { size: 10.5 });
      for (let h = 0; h < g.shown; h++) this.drawLine(ctx, win, cursor, theme, name, g.first + h, x, 16 + h * g.laneH, top, g);
    });
  }

  drawLine(ctx, win, cursor, theme, name, head, x, y, top, g) {
    const [from, to] = g.page, w = g.width - g.value, h = g.laneH - 4, each = w / (to - from);
    ctx.fillStyle = theme.wash;
    ctx.fillRect(x, y, w, h);
    ctx.globalAlpha = cursor.head !== null && cursor.head !== head ? 0.35 : 1;
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    for (let t = from; t < to; t++) {
      const v = y + h - clamp(win.value(name, t, head) / top, 0, 1) * (h - 2) - 1;
      if (t === from) ctx.moveTo(x, v);
      ctx.lineTo(x + (t - from) * each, v);
      ctx.lineTo(x + (t - from + 1) * each, v);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  drawNow(ctx, win, cursor, theme, name, x, g) {
    const [from, to] = g.page, w = g.width - g.value, each = w / (to - from), at = x + (cursor.t - from) * each;
    ctx.fillStyle = theme.ink;
    ctx.globalAlpha = 0.16;
    ctx.fillRect(at, 16, Math.max(1.5, each), this.h - 20);
    ctx.globalAlpha = 1;
    for (let h = 0; h < g.shown; h++) {
      const value = win.value(name, cursor.t, g.first + h), y = 16 + h * g.laneH;
      text(ctx, theme, gateText(value), x + g.width - 1, y + g.laneH / 2 - 1, { size: 11, align: "right", color: theme.ink });
      this.spot(x, y, w, g.laneH, { name, head: g.first + h, x, each, from, to });
    }
  }

  what({ win }, x, y) {
    const spot = this.at(x, y);
    if (!spot) return null;
    const t = clamp(spot.from + Math.floor((x - spot.x) / spot.each), spot.from, spot.to - 1);
    const label = GATES.find(([name]) => name === spot.name)[1];
    return { t, head: spot.head, text: [`step ${number(t)}, head ${spot.head}, ${label}: ${win.value(spot.name, t, spot.head).toFixed(3)}`] };
  }
}

const gateText = (v) => (v >= 10 ? v.toFixed(1) : v >= 0.01 || v === 0 ? v.toFixed(2) : v < 0.0005 ? "<.001" : v.toFixed(3));
